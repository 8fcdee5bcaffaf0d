// Graphs: made executable, launched, destroyed. A launch does the work of all nodes at once.
#include "pretend.h"

namespace pretend {

// A graph that can be launched: a copy, so that it outlives the one it was made of.
struct Executable {
  std::vector<std::function<void()>> work;
  Objects objects;
};

static cudaError_t instantiate(cudaGraphExec_t* out, cudaGraph_t handle) {
  const Graph& graph = *reinterpret_cast<Graph*>(handle);
  auto executable = std::make_unique<Executable>();
  for (const auto& node : graph.nodes) executable->work.push_back(node->work);
  executable->objects = graph.objects;
  *out = reinterpret_cast<cudaGraphExec_t>(executable.release());
  count("cudaGraphInstantiate");
  return cudaSuccess;
}

}  // namespace pretend

using namespace pretend;

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
  Lock lock;
  return instantiate(out, graph);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* out, cudaGraph_t graph,
                                          unsigned long long) {
  Lock lock;
  return instantiate(out, graph);
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t* out, size_t* size) {
  Lock lock;
  const auto& nodes = reinterpret_cast<Graph*>(handle)->nodes;
  if (!out) {
    *size = nodes.size();
    return cudaSuccess;
  }
  for (size_t i = 0; i < *size; ++i)
    out[i] = i < nodes.size() ? reinterpret_cast<cudaGraphNode_t>(nodes[i].get()) : nullptr;
  *size = nodes.size() < *size ? nodes.size() : *size;
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t stream_handle) {
  Lock lock;
  count("cudaGraphLaunch");
  const auto& work = reinterpret_cast<Executable*>(handle)->work;
  const Stream* stream = find_stream(stream_handle);
  if (!stream) return fail(cudaErrorInvalidResourceHandle);
  if (stream->capture) {
    for (const auto& each : work)
      if (const cudaError_t error = enqueue(stream_handle, "node of a graph", each)) return error;
    return cudaSuccess;
  }
  if (const cudaError_t error = check_legacy(*stream, "cudaGraphLaunch")) return error;
  count("replayed", static_cast<long>(work.size()));
  for (const auto& each : work) each();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  Lock lock;
  count("cudaGraphDestroy");
  delete reinterpret_cast<Graph*>(graph);
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  Lock lock;
  count("cudaGraphExecDestroy");
  delete reinterpret_cast<Executable*>(executable);
  return cudaSuccess;
}

// An object that lives as long as a graph or one of its copies: a handle is a shared pointer.
cudaError_t cudaUserObjectCreate(cudaUserObject_t* out, void* object, cudaHostFn_t destroy,
                                 unsigned, unsigned) {
  *out = reinterpret_cast<cudaUserObject_t>(new std::shared_ptr<void>(object, destroy));
  return cudaSuccess;
}

cudaError_t cudaUserObjectRelease(cudaUserObject_t object, unsigned) {
  delete reinterpret_cast<std::shared_ptr<void>*>(object);
  return cudaSuccess;
}

// cudaGraphUserObjectMove: "Transfer references from the caller rather than creating new
// references."
cudaError_t cudaGraphRetainUserObject(cudaGraph_t graph, cudaUserObject_t object, unsigned,
                                      unsigned flags) {
  Lock lock;
  auto* shared = reinterpret_cast<std::shared_ptr<void>*>(object);
  reinterpret_cast<Graph*>(graph)->objects.push_back(*shared);
  if (flags & cudaGraphUserObjectMove) delete shared;
  return cudaSuccess;
}
