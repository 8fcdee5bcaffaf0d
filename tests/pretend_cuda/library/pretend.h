// What the files of the pretend CUDA share: its state, behind one lock, and what they call of each
// other.
//
// Functions that begin with `cuda`, `cu` or `cublas` take the place of CUDA's. They take the lock;
// the functions of namespace `pretend` expect that it is held.
#pragma once

#pragma GCC visibility push(default)
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace pretend {

constexpr int success = 0;  // CUBLAS_STATUS_SUCCESS, CUDA_SUCCESS

// A card. `used` and `limit` are bytes.
struct Device {
  size_t used = 0;
  size_t limit;
};

// An operation of a graph, and whether another one depends on it.
struct Node {
  std::function<void()> work;
  bool has_dependents = false;
};

using Objects = std::vector<std::shared_ptr<void>>;

struct Graph {
  std::vector<std::unique_ptr<Node>> nodes;
  Objects objects;
};

struct Stream;

// A sequence from cudaStreamBeginCapture to cudaStreamEndCapture.
struct Capture {
  unsigned long long id;
  cudaStreamCaptureMode mode;
  std::thread::id owner;
  Stream* origin;
  std::set<Stream*> streams;
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  bool is_valid = true;
};

// The next operation that a capturing stream receives depends on `dependencies`.
struct Stream {
  int device;
  int priority = 0;
  bool is_legacy = false;
  bool is_blocking = false;
  Capture* capture = nullptr;
  std::vector<Node*> dependencies;
};

// `capture` is the id of the capture in which the event was last recorded, or 0.
struct Event {
  int device;
  unsigned long long capture = 0;
  std::vector<Node*> dependencies;
  std::chrono::steady_clock::time_point time;
};

struct State {
  State();

  std::mutex mutex;
  std::vector<Device> devices;
  std::map<unsigned long long, std::unique_ptr<Capture>> captures;
  std::map<std::string, long> counts;
  std::map<const void*, const char*> kernels;  // a kernel's mangled name, by its host function
};

// Never destroyed: torch calls CUDA while the process ends.
State& state();

class Lock {
  std::lock_guard<std::mutex> guard_{state().mutex};
};

// --- counters.cpp
void count(const std::string& name, long times = 1);

// --- devices.cpp
int current_device();

// Returns `error`, which cudaGetLastError reports from now on.
cudaError_t fail(cudaError_t error);

// --- streams.cpp

// The stream of a handle, or nullptr. Handle 0 is the legacy stream of the current device, and so is
// here the stream of a thread, which torch doesn't use.
Stream* find_stream(cudaStream_t handle);

// Does the work at once, or adds it to the graph that the stream captures.
cudaError_t enqueue(cudaStream_t handle, const std::string& name, std::function<void()> work);

// As `enqueue`, for a kernel or a call of cuBLAS.
cudaError_t enqueue_kernel(cudaStream_t handle, const std::string& name);

// --- capture.cpp
Capture* find_capture(unsigned long long id);

// Invalidates the capture, counts the call that did it, and fails with `error`.
cudaError_t invalidate(Capture& capture, const std::string& call, cudaError_t error);

// Whether a potentially unsafe call is prohibited now; it invalidates the captures it disturbs.
bool is_prohibited(const std::string& call);

// Fails if work in this stream would depend on a stream that captures.
cudaError_t check_legacy(const Stream& stream, const std::string& call);

void add_node(Stream& stream, std::function<void()> work);

}  // namespace pretend
