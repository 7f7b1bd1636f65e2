import { z } from "zod";
import { SABOTAGES } from "../killing/sabotage.ts";

const environmentSchema = z.object({
  MONGODB_URI: z.string().min(1),
  MONGODB_DB: z.string().min(1).default("threadkeep"),
  COMPANY_URL: z.url(),
  THREADKEEP_SABOTAGE: z.enum(SABOTAGES).optional(),
});

/**
 * Where a worker finds everything that is not its thread. The model's variables are read by
 * `createModel`.
 */
export interface WorkerEnvironment {
  /** `MONGODB_URI` */
  mongodbUri: string;
  /** `MONGODB_DB`, default `threadkeep` */
  dbName: string;
  /** `COMPANY_URL`: the systems the agent acts on */
  companyUrl: string;
  /** `THREADKEEP_SABOTAGE`: how to break the saver, to see the proofs fail; default not at all */
  sabotage?: (typeof SABOTAGES)[number] | undefined;
}

/** @throws Error that names each variable that is missing or wrong. */
export function readWorkerEnvironment(environment: NodeJS.ProcessEnv): WorkerEnvironment {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success)
    throw new Error(`The worker's environment is incomplete.\n${z.prettifyError(parsed.error)}`);
  const { MONGODB_URI, MONGODB_DB, COMPANY_URL, THREADKEEP_SABOTAGE } = parsed.data;
  return {
    mongodbUri: MONGODB_URI,
    dbName: MONGODB_DB,
    companyUrl: COMPANY_URL,
    sabotage: THREADKEEP_SABOTAGE,
  };
}

/** The same, the other way round: the variables that give a worker this environment. */
export function writeWorkerEnvironment(environment: WorkerEnvironment): Record<string, string> {
  return {
    MONGODB_URI: environment.mongodbUri,
    MONGODB_DB: environment.dbName,
    COMPANY_URL: environment.companyUrl,
    ...(environment.sabotage && { THREADKEEP_SABOTAGE: environment.sabotage }),
  };
}
