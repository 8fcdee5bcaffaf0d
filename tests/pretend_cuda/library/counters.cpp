// Counts what a program asks of the pretend CUDA; tests/pretend_cuda/counters.py reads it.
#include <cxxabi.h>

#include <cstdlib>
#include <cstring>

#include "pretend.h"

namespace pretend {

State& state() {
  static State* const only = new State;
  return *only;
}

void count(const std::string& name, long times) { state().counts[name] += times; }

// The counter's name with a kernel's name, if there is one at its end, as it is in its source.
static std::string readable(const std::string& name) {
  const size_t start = name.find("_Z");
  if (start == std::string::npos) return name;
  char* plain = abi::__cxa_demangle(name.c_str() + start, nullptr, nullptr, nullptr);
  if (!plain) return name;
  const std::string result = name.substr(0, start) + plain;
  std::free(plain);
  return result;
}

// A line for each counter: its value, a tab, its name.
static std::string table() {
  std::string lines;
  for (const auto& [name, value] : state().counts)
    lines += std::to_string(value) + "\t" + readable(name) + "\n";
  return lines;
}

}  // namespace pretend

using namespace pretend;

// Writes the table, if it fits; returns its size in bytes.
EXPORTED size_t pretend_cuda_counts(char* out, size_t size) {
  Lock lock;
  const std::string text = table();
  if (text.size() <= size) std::memcpy(out, text.data(), text.size());
  return text.size();
}

EXPORTED void pretend_cuda_reset() {
  Lock lock;
  state().counts.clear();
}
