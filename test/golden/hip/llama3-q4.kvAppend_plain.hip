// kvAppend.plain { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) kvAppend_plain(const float* x, _Float16* cache, const unsigned* state) {
  const unsigned row = __builtin_amdgcn_workgroup_id_x();
  const unsigned col = __builtin_amdgcn_workitem_id_x();
  if (col < 64u) {
    const unsigned at = row * 64u + col;
    cache[state[row + 832u] * 64u + col] = _Float16(x[at]);
  }
}
