import { handleCopies } from "./copy.js";
import { handleForms } from "./forms.js";
import { onRefreshed } from "./refresh.js";
import { showTimes } from "./times.js";
import { followTranscripts } from "./transcript.js";

handleForms();
handleCopies();
followTranscripts();
showTimes();
onRefreshed(followTranscripts);
onRefreshed(showTimes);
