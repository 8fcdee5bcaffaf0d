// Stream capture and its rules: what may be called meanwhile, and what invalidates a capture.
#include <algorithm>

#include "pretend.h"

namespace pretend {

Capture* find_capture(unsigned long long id) {
  const auto found = state().captures.find(id);
  return found == state().captures.end() ? nullptr : found->second.get();
}

// "When an invalid operation is attempted during stream capture, any associated capture graphs are
// invalidated." (Programming Guide, Invalidation)
cudaError_t invalidate(Capture& capture, const std::string& call, cudaError_t error) {
  capture.is_valid = false;
  count("prohibited: " + call);
  return fail(error);
}

static thread_local cudaStreamCaptureMode this_mode = cudaStreamCaptureModeGlobal;

// cudaThreadExchangeStreamCaptureMode, of a thread in the default mode: "If the local thread has an
// ongoing capture sequence that was not initiated with cudaStreamCaptureModeRelaxed at
// cuStreamBeginCapture, or if any other thread has a concurrent capture sequence initiated with
// cudaStreamCaptureModeGlobal, this thread is prohibited from potentially unsafe API calls." In
// thread-local mode other threads' captures don't matter, in relaxed mode none does.
static bool disturbs(const Capture& capture) {
  if (this_mode == cudaStreamCaptureModeRelaxed || capture.mode == cudaStreamCaptureModeRelaxed)
    return false;
  if (capture.owner == std::this_thread::get_id()) return true;
  return this_mode == cudaStreamCaptureModeGlobal && capture.mode == cudaStreamCaptureModeGlobal;
}

bool is_prohibited(const std::string& call) {
  bool found = false;
  for (auto& [id, capture] : state().captures) {
    if (!disturbs(*capture)) continue;
    invalidate(*capture, call, cudaErrorStreamCaptureUnsupported);
    found = true;
  }
  return found;
}

// "When any stream in the same context is being captured, and it was not created with
// cudaStreamNonBlocking, any attempted use of the legacy stream is invalid." (Programming Guide,
// Prohibited and Unhandled Operations)
cudaError_t check_legacy(const Stream& stream, const std::string& call) {
  if (!stream.is_legacy) return cudaSuccess;
  for (auto& [id, capture] : state().captures)
    for (const Stream* other : capture->streams)
      if (other->is_blocking && other->device == stream.device)
        return invalidate(*capture, call, cudaErrorStreamCaptureImplicit);
  return cudaSuccess;
}

void add_node(Stream& stream, std::function<void()> work) {
  for (Node* before : stream.dependencies) before->has_dependents = true;
  auto& nodes = stream.capture->graph->nodes;
  nodes.push_back(std::make_unique<Node>(Node{std::move(work)}));
  stream.dependencies = {nodes.back().get()};
}

static void leave(Capture& capture) {
  for (Stream* stream : capture.streams) {
    stream->capture = nullptr;
    stream->dependencies.clear();
  }
}

// cudaErrorStreamCaptureUnjoined: "The capture sequence contains a fork that was not joined to the
// primary stream." Joined is what the primary stream's next operation would wait for.
static bool is_joined(const Capture& capture) {
  const auto& ends = capture.origin->dependencies;
  for (const auto& node : capture.graph->nodes) {
    const bool is_end = std::find(ends.begin(), ends.end(), node.get()) != ends.end();
    if (!node->has_dependents && !is_end) return false;
  }
  return true;
}

// Why a capture can't be ended here, or cudaSuccess.
static cudaError_t misplaced_end(const Stream& stream) {
  if (!stream.capture) return cudaErrorIllegalState;
  // "Capture must have been initiated on stream via a call to cudaStreamBeginCapture."
  if (stream.capture->origin != &stream) return cudaErrorStreamCaptureUnmatched;
  // "If the mode argument to cudaStreamBeginCapture was not cudaStreamCaptureModeRelaxed, this call
  // must be from the same thread as cudaStreamBeginCapture." (cudaStreamEndCapture)
  const bool is_relaxed = stream.capture->mode == cudaStreamCaptureModeRelaxed;
  if (!is_relaxed && stream.capture->owner != std::this_thread::get_id())
    return cudaErrorStreamCaptureWrongThread;
  return cudaSuccess;
}

static cudaStreamCaptureStatus status_of(const Stream& stream) {
  if (!stream.capture) return cudaStreamCaptureStatusNone;
  return stream.capture->is_valid ? cudaStreamCaptureStatusActive
                                  : cudaStreamCaptureStatusInvalidated;
}

// Replaces what the stream's next operation depends on, or adds to it.
static cudaError_t update_dependencies(cudaStream_t handle, cudaGraphNode_t* nodes, size_t size,
                                       unsigned flags) {
  Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (!stream->capture) return fail(cudaErrorIllegalState);
  if (!stream->capture->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
  if (flags == cudaStreamSetCaptureDependencies) stream->dependencies.clear();
  for (size_t i = 0; i < size; ++i)
    stream->dependencies.push_back(reinterpret_cast<Node*>(nodes[i]));
  return cudaSuccess;
}

// Lends the stream's dependencies to the caller until the next call of CUDA.
static cudaError_t capture_info(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                unsigned long long* id, cudaGraph_t* graph,
                                const cudaGraphNode_t** dependencies, size_t* size) {
  const Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  const Capture* capture = stream->capture;
  *status = status_of(*stream);
  if (id) *id = capture ? capture->id : 0;
  if (graph) *graph = capture ? reinterpret_cast<cudaGraph_t>(capture->graph.get()) : nullptr;
  if (dependencies)
    *dependencies = reinterpret_cast<const cudaGraphNode_t*>(stream->dependencies.data());
  if (size) *size = stream->dependencies.size();
  return cudaSuccess;
}

}  // namespace pretend

using namespace pretend;

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(*mode, this_mode);
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  Lock lock;
  static unsigned long long last_id = 0;
  count("cudaStreamBeginCapture");
  Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  // "Capture may not be initiated if stream is cudaStreamLegacy." (cudaStreamBeginCapture)
  if (stream->is_legacy) return fail(cudaErrorStreamCaptureUnsupported);
  if (stream->capture) return fail(cudaErrorIllegalState);
  auto capture = std::make_unique<Capture>(
      Capture{++last_id, mode, std::this_thread::get_id(), stream, {stream}});
  stream->capture = capture.get();
  state().captures[last_id] = std::move(capture);
  return cudaSuccess;
}

// "If capture was invalidated, due to a violation of the rules of stream capture, then a NULL graph
// will be returned." (cudaStreamEndCapture)
cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  Lock lock;
  count("cudaStreamEndCapture");
  *graph = nullptr;
  const Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = misplaced_end(*stream)) return fail(error);
  const std::unique_ptr<Capture> capture = std::move(state().captures[stream->capture->id]);
  state().captures.erase(capture->id);
  const bool joined = is_joined(*capture);
  leave(*capture);
  if (!capture->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
  if (!joined) return fail(cudaErrorStreamCaptureUnjoined);
  *graph = reinterpret_cast<cudaGraph_t>(capture->graph.release());
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  Lock lock;
  return capture_info(handle, status, nullptr, nullptr, nullptr, nullptr);
}

#if CUDART_VERSION >= 13000
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                     unsigned long long* id, cudaGraph_t* graph,
                                     const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* size) {
  Lock lock;
  if (edges) *edges = nullptr;
  return capture_info(stream, status, id, graph, dependencies, size);
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t* nodes,
                                                const cudaGraphEdgeData*, size_t size,
                                                unsigned flags) {
  Lock lock;
  return update_dependencies(stream, nodes, size, flags);
}
#else
cudaError_t cudaStreamGetCaptureInfo_v2(cudaStream_t stream, cudaStreamCaptureStatus* status,
                                        unsigned long long* id, cudaGraph_t* graph,
                                        const cudaGraphNode_t** dependencies, size_t* size) {
  Lock lock;
  return capture_info(stream, status, id, graph, dependencies, size);
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream, cudaGraphNode_t* nodes,
                                                size_t size, unsigned flags) {
  Lock lock;
  return update_dependencies(stream, nodes, size, flags);
}
#endif
