import { Annotation, MessagesAnnotation } from "@langchain/langgraph";

/** What one monitoring system says about the service. */
export interface Evidence {
  /** Where it comes from, for instance `logs`. */
  source: string;
  /** The system's own words, several lines. */
  text: string;
}

/** What an analyst concluded from one piece of evidence. */
export interface Finding {
  /** The {@link Evidence.source} it was drawn from. */
  source: string;
  text: string;
}

/**
 * State of the incident agent. One node writes each key once, but for `messages` and `findings`:
 * `findings` collects what the parallel analysts say.
 */
export const IncidentState = Annotation.Root({
  /** The page that woke the agent up. */
  alert: Annotation<string>,
  /** The triage engineer's tool call and its result, which is the incident's number. */
  messages: MessagesAnnotation.spec.messages,
  evidence: Annotation<Evidence[]>,
  findings: Annotation<Finding[]>({
    reducer: (known, added) => [...known, ...added],
    default: () => [],
  }),
  cause: Annotation<string>,
  /** Receipt of the status page. */
  announcement: Annotation<string>,
  remedy: Annotation<string>,
  report: Annotation<string>,
  /** Receipt of the published report. */
  publication: Annotation<string>,
});
