// A group of threads on one processor: a fiber a thread, run in turn, so that barriers and exchanges between the lanes of a
// subgroup cost a switch of stacks. Fibers give way only where they wait, so that shared arrays may be static.
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

namespace host {
constexpr unsigned most = 1024, stackBytes = 256 * 1024;
static unsigned tile, local, threads, lanes;
static void (*body)(void* const*);
static void* const* args;
static ucontext_t scheduler, fibers[most];
static bool done[most];
static char* stacks;

/** Where `count` fibers wait for each other. */
struct Meeting { unsigned arrived, phase; };
static Meeting group, subgroups[most];

inline void meet(Meeting& m, unsigned count) {
  const unsigned phase = m.phase;
  if (++m.arrived == count) { m.arrived = 0; m.phase++; return; }
  while (m.phase == phase) swapcontext(&fibers[local], &scheduler);
}
inline void barrier() { meet(group, threads); }
inline unsigned lane() { return local % lanes; }

static unsigned char slots[most][64];
/** Leaves a value where the other lanes see it, and calls `take` once all have: it reads what they left by `of`. */
template <typename T, typename F> auto exchange(const T& value, F take) {
  static_assert(sizeof value <= sizeof slots[0]);
  const unsigned first = local / lanes * lanes;
  const unsigned count = threads - first < lanes ? threads - first : lanes;
  memcpy(slots[local], &value, sizeof value);
  meet(subgroups[local / lanes], count);
  const auto result = take([first](unsigned lane) { T other; memcpy(&other, slots[first + lane % lanes], sizeof other); return other; });
  meet(subgroups[local / lanes], count);
  return result;
}

static void start() {
  body(args);
  done[local] = true;
}

static void run(void (*kernel)(void* const*), void* const* with, unsigned tiles, unsigned size, unsigned subgroup) {
  if (!stacks) stacks = (char*)malloc(most * stackBytes);
  body = kernel; args = with; threads = size; lanes = subgroup;
  for (tile = 0; tile < tiles; tile++) {
    for (unsigned i = 0; i < threads; i++) {
      getcontext(&fibers[i]);
      fibers[i].uc_stack.ss_sp = stacks + i * stackBytes;
      fibers[i].uc_stack.ss_size = stackBytes;
      fibers[i].uc_link = &scheduler;
      makecontext(&fibers[i], start, 0);
      done[i] = false;
    }
    for (bool running = true; running;) {
      running = false;
      for (local = 0; local < threads; local++) {
        if (done[local]) continue;
        running = true;
        swapcontext(&scheduler, &fibers[local]);
      }
    }
  }
}

/** An argument of whatever type the kernel's parameter is. */
struct Any { void* at; template <typename T> operator T*() const { return (T*)at; } };
}
