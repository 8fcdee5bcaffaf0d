// Memory: a card's is the host's, with an account for each card; copies are done at once.
#include <sys/mman.h>

#include <cstring>

#include "pretend.h"

namespace pretend {

struct Block {
  size_t size;
  int device;  // or `pinned`
};

constexpr int pinned = -1;

static std::map<const char*, Block>& blocks() {
  static auto* const all = new std::map<const char*, Block>;
  return *all;
}

static void* map_pages(size_t size) {
  void* pages = mmap(nullptr, size ? size : 1, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return pages == MAP_FAILED ? nullptr : pages;
}

static const Block* find_block(const void* address) {
  const char* place = static_cast<const char*>(address);
  auto next = blocks().upper_bound(place);
  if (next == blocks().begin()) return nullptr;
  const auto& [start, block] = *--next;
  return place < start + block.size ? &block : nullptr;
}

static cudaError_t allocate(void** out, size_t size, int device) {
  void* pages = map_pages(size);
  if (!pages) return fail(cudaErrorMemoryAllocation);
  blocks()[static_cast<char*>(pages)] = {size, device};
  *out = pages;
  return cudaSuccess;
}

// Forgets the block that starts here; the one that was there, of size 0 if there was none.
static Block release(void* address) {
  const auto found = blocks().find(static_cast<char*>(address));
  if (found == blocks().end()) return {0, pinned};
  const Block block = found->second;
  munmap(address, block.size ? block.size : 1);
  blocks().erase(found);
  return block;
}

static const char* kind_of(const void* address) {
  const Block* block = find_block(address);
  return !block ? "pageable" : block->device == pinned ? "pinned" : "device";
}

static std::string copy_name(const void* to, const void* from) {
  return std::string("copy ") + kind_of(from) + " to " + kind_of(to);
}

}  // namespace pretend

using namespace pretend;

// A potentially unsafe call: it "is not enqueued asynchronously to a stream, and is not observed by
// stream capture" (cudaThreadExchangeStreamCaptureMode). So are the others that ask is_prohibited.
cudaError_t cudaMalloc(void** out, size_t size) {
  Lock lock;
  count("cudaMalloc");
  if (is_prohibited("cudaMalloc")) return fail(cudaErrorStreamCaptureUnsupported);
  Device& device = state().devices[current_device()];
  if (device.used + size > device.limit) return fail(cudaErrorMemoryAllocation);
  const cudaError_t error = allocate(out, size, current_device());
  if (!error) device.used += size;
  return error;
}

cudaError_t cudaFree(void* address) {
  Lock lock;
  if (!address) return cudaSuccess;
  count("cudaFree");
  if (is_prohibited("cudaFree")) return fail(cudaErrorStreamCaptureUnsupported);
  const Block* block = find_block(address);
  if (!block || block->device == pinned) return fail(cudaErrorInvalidValue);
  const Block released = release(address);
  state().devices[released.device].used -= released.size;
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** out, size_t size, unsigned) {
  Lock lock;
  count("cudaHostAlloc");
  if (is_prohibited("cudaHostAlloc")) return fail(cudaErrorStreamCaptureUnsupported);
  return allocate(out, size, pinned);
}

cudaError_t cudaFreeHost(void* address) {
  Lock lock;
  if (is_prohibited("cudaFreeHost")) return fail(cudaErrorStreamCaptureUnsupported);
  release(address);
  return cudaSuccess;
}

// Pages of the program's own. They stay "pageable" in the counters.
cudaError_t cudaHostRegister(void*, size_t, unsigned) {
  Lock lock;
  if (is_prohibited("cudaHostRegister")) return fail(cudaErrorStreamCaptureUnsupported);
  return cudaSuccess;
}

cudaError_t cudaHostUnregister(void*) {
  Lock lock;
  if (is_prohibited("cudaHostUnregister")) return fail(cudaErrorStreamCaptureUnsupported);
  return cudaSuccess;
}

cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) {
  *device = host;
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* address) {
  Lock lock;
  const Block* block = find_block(address);
  std::memset(attributes, 0, sizeof *attributes);
  attributes->type = cudaMemoryTypeUnregistered;
  if (!block) return cudaSuccess;
  attributes->type = block->device == pinned ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
  attributes->device = block->device == pinned ? current_device() : block->device;
  attributes->devicePointer = const_cast<void*>(address);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind,
                            cudaStream_t stream) {
  Lock lock;
  return enqueue(stream, copy_name(to, from), [=] { std::memmove(to, from, size); });
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t size,
                                cudaStream_t stream) {
  Lock lock;
  return enqueue(stream, "copy to another device", [=] { std::memmove(to, from, size); });
}

cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                              size_t width, size_t height, cudaMemcpyKind, cudaStream_t stream) {
  Lock lock;
  return enqueue(stream, copy_name(to, from), [=] {
    for (size_t row = 0; row < height; ++row)
      std::memmove(static_cast<char*>(to) + row * to_pitch,
                   static_cast<const char*>(from) + row * from_pitch, width);
  });
}

// "Synchronous APIs, such as cudaMemcpy(), enqueue work to the legacy stream and synchronize it
// before returning." (Programming Guide, Prohibited and Unhandled Operations)
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind) {
  Lock lock;
  count("cudaMemcpy");
  if (is_prohibited("cudaMemcpy")) return fail(cudaErrorStreamCaptureUnsupported);
  return enqueue(cudaStreamLegacy, copy_name(to, from), [=] { std::memmove(to, from, size); });
}

cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t stream) {
  Lock lock;
  return enqueue(stream, "memset", [=] { std::memset(to, value, size); });
}

cudaError_t cudaMemset(void* to, int value, size_t size) {
  Lock lock;
  if (is_prohibited("cudaMemset")) return fail(cudaErrorStreamCaptureUnsupported);
  return enqueue(cudaStreamLegacy, "memset", [=] { std::memset(to, value, size); });
}
