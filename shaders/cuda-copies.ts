/**
 * Device functions of asynchronous copies, for sources whose kernels use them. Single elements go by `cp.async`, which
 * chips before Ampere lack: there the copy is done at once. Boxes of a tensor map go by Hopper's bulk copies, begun by
 * one thread and counted in bytes by an mbarrier in shared memory (PTX ISA, `cp.async.bulk.tensor` and `mbarrier`).
 */
const elements = [['float4', 16, 'cg'], ['uint4', 16, 'cg'], ['uint2', 8, 'ca'], ['float', 4, 'ca'], ['unsigned', 4, 'ca'], ['int', 4, 'ca']] as const

const single = elements.map(([type, bytes, cache]) =>
  `WEFT void weft_copy(${type}* to, const ${type}* from) { asm volatile("cp.async.${cache}.shared.global [%0], [%1], ${bytes};" :: "r"(weft_shared_address(to)), "l"(from) : "memory"); }`)
const atOnce = elements.map(([type]) => `WEFT void weft_copy(${type}* to, const ${type}* from) { *to = *from; }`)

/** Stands after the common prelude. */
export const cudaCopies = `
WEFT unsigned weft_shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }
#if __CUDA_ARCH__ >= 800
${single.join('\n')}
WEFT void weft_copy_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int pending> WEFT void weft_copy_wait() { asm volatile("cp.async.wait_group %0;" :: "n"(pending) : "memory"); }
#else
${atOnce.join('\n')}
WEFT void weft_copy_commit() {}
template <int pending> WEFT void weft_copy_wait() {}
#endif

#if __CUDA_ARCH__ >= 900
WEFT unsigned weft_cluster_rank() { unsigned rank; asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank)); return rank; }
struct __align__(64) weft_tensor_map { unsigned long long words[16]; };
// One arrival a phase: that of the thread that commits.
WEFT void weft_arrivals(unsigned long long* arrivals, unsigned count) {
  if (threadIdx.x == 0) {
    for (unsigned i = 0; i < count; i++) asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(weft_shared_address(&arrivals[i])) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  __syncthreads();
}
WEFT void weft_tensor_copy(void* to, const weft_tensor_map* map, unsigned row, unsigned col, unsigned long long* arrival, unsigned bytes) {
  if (threadIdx.x != 0) return;
  asm volatile("mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [%0], %1;" :: "r"(weft_shared_address(arrival)), "r"(bytes) : "memory");
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
    :: "r"(weft_shared_address(to)), "l"(map), "r"(col), "r"(row), "r"(weft_shared_address(arrival)) : "memory");
}
WEFT void weft_tensor_commit(unsigned long long* arrival) {
  if (threadIdx.x == 0) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(weft_shared_address(arrival)) : "memory");
}
WEFT void weft_tensor_wait(unsigned long long* arrival, unsigned parity) {
  unsigned done;
  do asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
    : "=r"(done) : "r"(weft_shared_address(arrival)), "r"(parity) : "memory");
  while (!done);
}
#endif
`
