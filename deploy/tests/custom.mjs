// Holds documents of KEDA and of the Prometheus operator against the schemas of their own definitions, as the npm packages
// @kubernetes-models/… carry them. Reads a JSON list on stdin; prints what is wrong; exit code 1 if anything is.
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { TriggerAuthentication } from "@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication";
import { PodMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";

const kinds = { ScaledObject, TriggerAuthentication, PodMonitor, ServiceMonitor };

let text = "";
for await (const piece of process.stdin) text += piece;
let wrong = 0;
for (const document of JSON.parse(text)) {
  try {
    const kind = kinds[document.kind];
    if (!kind) throw new Error("no schema for this kind");
    new kind(document).validate();
  } catch (e) {
    wrong += 1;
    console.log(`${document.kind} ${document.metadata?.name}: ${e.message}`);
  }
}
process.exit(wrong ? 1 : 0);
