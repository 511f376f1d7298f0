/** What is counted of a process's memory, and its limit. */

/** The store's file, which is mapped whole, and the requests that are not answered. */
export class ProcessMemory {
  /** 0: none. */
  limitBytes = 0;
  /** The so manieth allocation from now on fails: see allocations.ts. 0: none does. */
  allocationsLeft = 0;
  private readonly requests = new Map<number, number>();
  private requestBytes = 0;

  takeRequest(request: number, sizeBytes: number): void {
    this.dropRequest(request);
    this.requests.set(request, sizeBytes);
    this.requestBytes += sizeBytes;
  }

  dropRequest(request: number): void {
    this.requestBytes -= this.requests.get(request) ?? 0;
    this.requests.delete(request);
  }

  usedBytes(storeBytes: number): number {
    return storeBytes + this.requestBytes;
  }

  /** The process has ended. */
  reset(): void {
    this.requests.clear();
    this.requestBytes = 0;
  }
}
