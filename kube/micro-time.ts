/** A time as Leases hold it (Kubernetes' `MicroTime`): the server refuses any other number of digits than six. */
export function microTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
