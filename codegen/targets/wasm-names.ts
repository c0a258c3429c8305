/**
 * Names of a kernel that AssemblyScript would misread. Kernel names never end in an underscore, so one is appended to
 * those that are keywords or that the generated text itself uses.
 */
const taken: ReadonlySet<string> = new Set([
  ...'abstract any as async await bool boolean break case catch class const continue debugger declare default delete do else enum export extends'.split(' '),
  ...'false finally for from function get global if implements import in infer instanceof interface internal is keyof let module namespace new'.split(' '),
  ...'null number object of operator out package private protected public readonly require return set static string super switch symbol this throw'.split(' '),
  ...'true try type typeof undefined unique unknown var void while with yield arguments eval constructor'.split(' '),
  ...'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 isize usize v128 i8x16 i16x8 i32x4 i64x2 f32x4 f64x2 idof sizeof offsetof'.split(' '),
  ...'load store select reinterpret min max abs sqrt floor nearest tile args scratch unreachable atomic NaN Infinity'.split(' '),
])

export const safeName = (name: string): string => (taken.has(name) ? `${name}_` : name)

/** The name of a kernel's function, apart from everything else in the module. */
export const functionName = (kernel: string): string => `kernel_${kernel}`
