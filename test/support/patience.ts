/** Far more than anything takes, on a machine that has much else to do: what has not happened then does not happen. */
export const PATIENCE_MS = 100_000;
