// Streams and events. Work is done as soon as it is enqueued, so nothing ever has to be waited for;
// the calls that would wait are counted.
#include "pretend.h"

namespace pretend {

static std::map<cudaStream_t, std::unique_ptr<Stream>>& streams() {
  static auto* const all = new std::map<cudaStream_t, std::unique_ptr<Stream>>;
  return *all;
}

// "Each device has its own default stream." (Programming Guide, Stream and Event Behavior)
static Stream* legacy_stream() {
  static auto* const all = new std::map<int, Stream>;
  Stream& stream = all->try_emplace(current_device(), Stream{current_device()}).first->second;
  stream.is_legacy = true;
  return &stream;
}

Stream* find_stream(cudaStream_t handle) {
  if (!handle || handle == cudaStreamLegacy || handle == cudaStreamPerThread)
    return legacy_stream();
  const auto found = streams().find(handle);
  return found == streams().end() ? nullptr : found->second.get();
}

static cudaError_t create(cudaStream_t* out, unsigned flags, int priority) {
  auto stream = std::make_unique<Stream>(Stream{current_device(), priority});
  stream->is_blocking = !(flags & cudaStreamNonBlocking);
  *out = reinterpret_cast<cudaStream_t>(stream.get());
  streams()[*out] = std::move(stream);
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t handle, const std::string& name, std::function<void()> work) {
  Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = check_legacy(*stream, name)) return error;
  if (stream->capture) {
    // "further use of any streams which are being captured [...] is invalid and will return an
    // error" (Programming Guide, Invalidation)
    if (!stream->capture->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
    count("captured");
    count("captured: " + name);
    add_node(*stream, std::move(work));
    return cudaSuccess;
  }
  count("launched");
  count("launched on device " + std::to_string(stream->device));
  count(name);
  work();
  return cudaSuccess;
}

// "A kernel launch will fail if it is issued to a stream that is not associated to the current
// device" (Programming Guide, Stream and Event Behavior)
cudaError_t enqueue_kernel(cudaStream_t handle, const std::string& name) {
  const Stream* stream = find_stream(handle);
  if (stream && stream->device != current_device()) {
    count("wrong device: " + name);
    return fail(cudaErrorInvalidResourceHandle);
  }
  return enqueue(handle, name, [] {});
}

// "It is invalid to synchronize or query the execution status of a stream which is being captured"
// (Programming Guide, Prohibited and Unhandled Operations)
static cudaError_t wait_for(cudaStream_t handle, const char* call) {
  Stream* stream = find_stream(handle);
  count(call);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture)
    return invalidate(*stream->capture, call, cudaErrorStreamCaptureUnsupported);
  return check_legacy(*stream, call);
}

// The same section: "or a captured event". Whether an event of no capture may be waited for depends
// on the thread's mode (cudaThreadExchangeStreamCaptureMode).
static cudaError_t wait_for(cudaEvent_t handle, const char* call) {
  count(call);
  if (Capture* capture = find_capture(reinterpret_cast<Event*>(handle)->capture))
    return invalidate(*capture, call, cudaErrorCapturedEvent);
  return is_prohibited(call) ? fail(cudaErrorStreamCaptureUnsupported) : cudaSuccess;
}

// The same section: "or synchronize a broader handle which encompasses an active stream capture,
// such as a device or context handle when any associated stream is in capture mode".
static cudaError_t wait_for_device() {
  cudaError_t result = cudaSuccess;
  for (auto& [id, capture] : state().captures)
    for (const Stream* stream : capture->streams)
      if (stream->device == current_device())
        result = invalidate(*capture, "cudaDeviceSynchronize", cudaErrorStreamCaptureUnsupported);
  return result;
}

static cudaError_t record(Event& event, cudaStream_t handle) {
  const Stream* stream = find_stream(handle);
  // "cudaEventRecord() will fail if the input event and input stream are associated to different
  // devices." (Programming Guide, Stream and Event Behavior)
  if (!stream || stream->device != event.device) return fail(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = check_legacy(*stream, "cudaEventRecord")) return error;
  if (stream->capture && !stream->capture->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
  event.capture = stream->capture ? stream->capture->id : 0;
  event.dependencies = stream->dependencies;
  event.time = std::chrono::steady_clock::now();
  return cudaSuccess;
}

// Lets a stream that captures, or joins a capture, wait for an event of it. (Programming Guide,
// Cross-stream Dependencies and Events; and Prohibited and Unhandled Operations)
static cudaError_t wait_in_capture(Stream& stream, const Event& event, unsigned flags) {
  Capture* theirs = find_capture(event.capture);
  if (!theirs) {
    // "It is invalid to wait on a non-captured event from a stream which is being captured without
    // specifying the cudaEventWaitExternal flag."
    if (flags & cudaEventWaitExternal) return cudaSuccess;
    return invalidate(*stream.capture, "cudaStreamWaitEvent", cudaErrorStreamCaptureIsolation);
  }
  if (!theirs->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
  if (stream.capture && stream.capture != theirs) {
    // "It is invalid to merge two separate capture graphs by waiting on a captured event".
    invalidate(*stream.capture, "cudaStreamWaitEvent", cudaErrorStreamCaptureMerge);
    return invalidate(*theirs, "cudaStreamWaitEvent", cudaErrorStreamCaptureMerge);
  }
  if (stream.is_legacy)
    return invalidate(*theirs, "cudaStreamWaitEvent", cudaErrorStreamCaptureImplicit);
  stream.capture = theirs;
  theirs->streams.insert(&stream);
  std::set<Node*> all(stream.dependencies.begin(), stream.dependencies.end());
  all.insert(event.dependencies.begin(), event.dependencies.end());
  stream.dependencies.assign(all.begin(), all.end());
  return cudaSuccess;
}

}  // namespace pretend

using namespace pretend;

cudaError_t cudaStreamCreate(cudaStream_t* out) {
  Lock lock;
  return create(out, cudaStreamDefault, 0);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned flags) {
  Lock lock;
  return create(out, flags, 0);
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t* out, unsigned flags, int priority) {
  Lock lock;
  return create(out, flags, priority);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  Lock lock;
  const Stream* stream = find_stream(handle);
  if (!stream || stream->is_legacy) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture)
    return invalidate(*stream->capture, "cudaStreamDestroy", cudaErrorStreamCaptureUnsupported);
  streams().erase(handle);
  return cudaSuccess;
}

cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  Lock lock;
  const Stream* stream = find_stream(handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  *priority = stream->priority;
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  Lock lock;
  count("cudaDeviceSynchronize");
  return wait_for_device();
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  Lock lock;
  return wait_for(stream, "cudaStreamQuery");
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  Lock lock;
  return wait_for(stream, "cudaStreamSynchronize");
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event_handle, unsigned flags) {
  Lock lock;
  count("cudaStreamWaitEvent");
  Stream* stream = find_stream(handle);
  const Event& event = *reinterpret_cast<Event*>(event_handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture && !stream->capture->is_valid) return fail(cudaErrorStreamCaptureInvalidated);
  if (stream->capture || find_capture(event.capture)) return wait_in_capture(*stream, event, flags);
  return check_legacy(*stream, "cudaStreamWaitEvent");
}

// Under the lock: "The host function must not make any CUDA API calls." (cudaLaunchHostFunc)
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  Lock lock;
  return enqueue(stream, "host function", [=] { function(argument); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned) {
  *out = reinterpret_cast<cudaEvent_t>(new Event{current_device()});
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, 0); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete reinterpret_cast<Event*>(event);
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Lock lock;
  count("cudaEventRecord");
  return record(*reinterpret_cast<Event*>(event), stream);
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  Lock lock;
  return wait_for(event, "cudaEventQuery");
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  Lock lock;
  return wait_for(event, "cudaEventSynchronize");
}

// The host's time between both records.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  Lock lock;
  const Event& first = *reinterpret_cast<Event*>(start);
  const Event& second = *reinterpret_cast<Event*>(end);
  // "cudaEventElapsedTime() will fail if the two input events are associated to different devices."
  // (Programming Guide, Stream and Event Behavior)
  if (first.device != second.device) return fail(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(second.time - first.time).count();
  return cudaSuccess;
}
