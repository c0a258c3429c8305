// What HIP kernels ask of the device, on a processor: ids, barriers, exchanges between lanes, and the matrix units by the
// tables of AMD's matrix instruction calculator (MFMA) and of its guide to WMMA on RDNA 3.
#include "group.h"
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(threads)
#define __builtin_amdgcn_workgroup_id_x() host::tile
#define __builtin_amdgcn_workitem_id_x() host::local
#define __builtin_amdgcn_fence(order, scope) ((void)0)
#define __builtin_amdgcn_s_barrier() host::barrier()
#define __builtin_amdgcn_ds_bpermute(address, value) host::exchange(value, [&](auto of) { return of(unsigned(address) / 4u); })
#define __builtin_amdgcn_mfma_f32_16x16x16f16(a, b, c, x, y, z) host::mfma(a, b, c)
#define __builtin_amdgcn_wmma_f32_16x16x16_f16_w32(a, b, c) host::wmma(a, b, c)

namespace host {
template <typename H> struct Pair { H a, b; };
/** Σ over k of a[row][k] · b[k][col], where element j of lane l is as `row` and `from` say. */
template <int sums, int each, typename H, typename C, typename Row> C product(H a, H b, C c, Row row) {
  return exchange(Pair<H>{a, b}, [&](auto of) {
    for (int j = 0; j < sums; j++)
      for (int k = 0; k < 16; k++) c[j] += float(of(row(j) + k / each * 16).a[k % each]) * float(of(lane() % 16 + k / each * 16).b[k % each]);
    return c;
  });
}
template <typename H, typename C> C mfma(H a, H b, C c) { return product<4, 4>(a, b, c, [](int j) { return lane() / 16 * 4 + j; }); }
template <typename H, typename C> C wmma(H a, H b, C c) { return product<8, 16>(a, b, c, [](int j) { return j * 2 + lane() / 16; }); }
}
