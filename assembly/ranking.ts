/**
 * Lists of (key, id) in flat memory, 16 bytes each: key f64, id u32. They are ordered by falling key, and by rising id where keys are
 * equal, so that the order never depends on how a list came about.
 */
@inline
export function keyAt(list: usize, i: u32): f64 {
  return load<f64>(list + (<usize>i << 4))
}

@inline
export function idAt(list: usize, i: u32): u32 {
  return load<u32>(list + (<usize>i << 4), 8)
}

@inline
export function put(list: usize, i: u32, key: f64, id: u32): void {
  store<f64>(list + (<usize>i << 4), key)
  store<u32>(list + (<usize>i << 4), id, 8)
}

@inline
function comesFirst(key: f64, id: u32, otherKey: f64, otherId: u32): bool {
  return key > otherKey || (key == otherKey && id < otherId)
}

function insertionSort(list: usize, from: u32, to: u32): void {
  for (let i = from + 1; i < to; i++) {
    const key = keyAt(list, i)
    const id = idAt(list, i)
    let j = i
    while (j > from && comesFirst(key, id, keyAt(list, j - 1), idAt(list, j - 1))) {
      put(list, j, keyAt(list, j - 1), idAt(list, j - 1))
      j--
    }
    put(list, j, key, id)
  }
}

/** Sorts `n` entries: runs of 16 by insertion, then merged pairwise through `spare`, as long as the list. */
export function sort(list: usize, n: u32, spare: usize): void {
  const run: u32 = 16
  for (let from: u32 = 0; from < n; from += run) insertionSort(list, from, min(from + run, n))
  for (let width = run; width < n; width <<= 1) {
    for (let from: u32 = 0; from + width < n; from += width << 1) {
      const middle = from + width
      const to = min(middle + width, n)
      memory.copy(spare, list + (<usize>from << 4), <usize>width << 4)
      let a: u32 = 0
      let b = middle
      let out = from
      while (a < width && b < to) {
        if (comesFirst(keyAt(list, b), idAt(list, b), keyAt(spare, a), idAt(spare, a))) {
          put(list, out++, keyAt(list, b), idAt(list, b))
          b++
        } else {
          put(list, out++, keyAt(spare, a), idAt(spare, a))
          a++
        }
      }
      // what is left of the second half is where it belongs already
      memory.copy(list + (<usize>out << 4), spare + (<usize>a << 4), <usize>(width - a) << 4)
    }
  }
}

/** The k-th largest of `n` f64 at `values`, 1 <= k <= n; `heap` has room for k. */
export function largest(values: usize, n: u32, k: u32, heap: usize): f64 {
  for (let i: u32 = 0; i < k; i++) store<f64>(heap + (<usize>i << 3), load<f64>(values + (<usize>i << 3)))
  for (let i = <i32>(k >> 1) - 1; i >= 0; i--) sink(heap, k, i)
  for (let i = k; i < n; i++) {
    const value = load<f64>(values + (<usize>i << 3))
    if (value > load<f64>(heap)) {
      store<f64>(heap, value)
      sink(heap, k, 0)
    }
  }
  return load<f64>(heap)
}

/** Lets entry `i` of a heap with the least value on top sink to its place. */
function sink(heap: usize, n: u32, i: u32): void {
  const value = load<f64>(heap + (<usize>i << 3))
  while (true) {
    let child: u32 = 2 * i + 1
    if (child >= n) break
    if (child + 1 < n && load<f64>(heap + (<usize>child << 3), 8) < load<f64>(heap + (<usize>child << 3))) child++
    const below = load<f64>(heap + (<usize>child << 3))
    if (below >= value) break
    store<f64>(heap + (<usize>i << 3), below)
    i = child
  }
  store<f64>(heap + (<usize>i << 3), value)
}
