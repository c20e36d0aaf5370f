#!/bin/sh
# Starts the coding agent pi (npm package @mariozechner/pi-coding-agent) with the model and the address that a run gives.
# Arguments are passed on: `--continue` goes on with the conversation. The prompt comes from the file of the wrapper.
set -eu
export PI_CODING_AGENT_DIR="${HOME}/.pi" PI_OFFLINE=1
mkdir -p "$PI_CODING_AGENT_DIR"
cat > "$PI_CODING_AGENT_DIR/models.json" <<END
{
  "providers": {
    "windshift": {
      "baseUrl": "$OPENAI_BASE_URL",
      "api": "openai-completions",
      "apiKey": "OPENAI_API_KEY",
      "compat": { "supportsDeveloperRole": false, "supportsReasoningEffort": false, "supportsStore": false },
      "models": [{ "id": "$LLM_MODEL", "contextWindow": ${LLM_CONTEXT_SIZE:-128000} }]
    }
  }
}
END
exec pi --provider windshift --model "$LLM_MODEL" --mode json "$@" < "$PROMPT_FILE"
