# The npm scripts do the work; these are the names people know from other projects.
AGENT_IMAGE ?= windshift/agent:local
RUNNER_IMAGE ?= windshift/runner:local
SERVER_IMAGE ?= windshift/server:local
# Installs the dependencies when they are missing, then runs a script of the project.
BUN = . scripts/bootstrap.sh && "$$BUN"

.PHONY: cross image runner-image server-image sbom release verify-no-node

# Every program as one file, for amd64 and arm64, in dist/; the agent and the runner's two for musl too.
cross:
	@$(BUN) scripts/build.ts

# The agent image.
image:
	@$(BUN) scripts/image.ts --tag $(AGENT_IMAGE)

# The image of windshift-runner, for hosts on which it runs as a container.
runner-image:
	@$(BUN) scripts/program-image.ts runner --tag $(RUNNER_IMAGE)

# The image of the server.
server-image:
	@$(BUN) scripts/program-image.ts server --tag $(SERVER_IMAGE)

# What the agent image is made of, as SPDX 2.3, in dist/sbom-agent-image.json.
sbom:
	@$(BUN) scripts/sbom.ts $(AGENT_IMAGE)

# Everything of one version in dist/release: programs, images of this architecture, licenses, bills of materials, SHA256SUMS.
release:
	@$(BUN) scripts/release.ts

# The agent image holds what it promises and nothing it must not hold, such as node and npm.
verify-no-node:
	@sh deploy/docker/verify-image.sh $(AGENT_IMAGE)
