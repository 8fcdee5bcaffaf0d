// Cards and errors: how many there are, what they are, which one a thread uses.
//
// PRETEND_CUDA_DEVICES is the number of cards, PRETEND_CUDA_MEMORY the bytes of each.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "pretend.h"

namespace pretend {

static thread_local int this_device = 0;
static thread_local cudaError_t last_error = cudaSuccess;

int current_device() { return this_device; }

cudaError_t fail(cudaError_t error) {
  last_error = error;
  return error;
}

static size_t setting(const char* name) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : 0;
}

State::State() {
  devices.assign(setting("PRETEND_CUDA_DEVICES"), Device{0, setting("PRETEND_CUDA_MEMORY")});
}

// An H100's, as far as torch chooses launches by them.
static int attribute(cudaDeviceAttr which) {
  switch (which) {
    case cudaDevAttrComputeCapabilityMajor: return 9;
    case cudaDevAttrMultiProcessorCount: return 132;
    case cudaDevAttrWarpSize: return 32;
    case cudaDevAttrMaxThreadsPerBlock: return 1024;
    case cudaDevAttrMaxThreadsPerMultiProcessor: return 2048;
    case cudaDevAttrMaxSharedMemoryPerBlock: return 48 << 10;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: return 227 << 10;
    case cudaDevAttrMaxGridDimX: return 2147483647;
    case cudaDevAttrMaxGridDimY: return 65535;
    default: return 0;
  }
}

static void fill(cudaDeviceProp& properties, int device) {
  std::memset(&properties, 0, sizeof properties);
  std::strcpy(properties.name, "Pretend H100");
  properties.uuid.bytes[15] = static_cast<char>(device + 1);
  properties.pciBusID = device + 1;
  properties.totalGlobalMem = state().devices[device].limit;
  properties.major = attribute(cudaDevAttrComputeCapabilityMajor);
  properties.multiProcessorCount = attribute(cudaDevAttrMultiProcessorCount);
  properties.warpSize = attribute(cudaDevAttrWarpSize);
  properties.maxThreadsPerBlock = attribute(cudaDevAttrMaxThreadsPerBlock);
  properties.maxThreadsPerMultiProcessor = attribute(cudaDevAttrMaxThreadsPerMultiProcessor);
  properties.sharedMemPerBlock = attribute(cudaDevAttrMaxSharedMemoryPerBlock);
  properties.sharedMemPerBlockOptin = attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin);
  properties.sharedMemPerMultiprocessor = 228 << 10;
  properties.regsPerBlock = properties.regsPerMultiprocessor = 64 << 10;
  properties.l2CacheSize = 50 << 20;
  properties.maxBlocksPerMultiProcessor = 32;
  properties.textureAlignment = 512;
  properties.unifiedAddressing = 1;
  const int grid[] = {2147483647, 65535, 65535}, threads[] = {1024, 1024, 64};
  std::memcpy(properties.maxGridSize, grid, sizeof grid);
  std::memcpy(properties.maxThreadsDim, threads, sizeof threads);
}

static bool exists(int device) {
  return 0 <= device && device < static_cast<int>(state().devices.size());
}

static const char* text_of(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice: return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle: return "invalid resource handle";
    case cudaErrorIllegalState: return "the operation cannot be performed in the present state";
    case cudaErrorStreamCaptureUnsupported:
      return "operation not permitted when stream is capturing";
    case cudaErrorStreamCaptureInvalidated:
      return "operation failed due to a previous error during capture";
    case cudaErrorStreamCaptureMerge:
      return "operation would result in a merge of separate capture sequences";
    case cudaErrorStreamCaptureUnmatched:
      return "capture was not ended in the same stream as it began";
    case cudaErrorStreamCaptureUnjoined: return "capturing stream has unjoined work";
    case cudaErrorStreamCaptureIsolation:
      return "dependency created on uncaptured work in another stream";
    case cudaErrorStreamCaptureImplicit:
      return "operation would make the legacy stream depend on a capturing blocking stream";
    case cudaErrorCapturedEvent:
      return "operation not permitted on an event last recorded in a capturing stream";
    case cudaErrorStreamCaptureWrongThread:
      return "attempt to terminate a thread-local capture sequence from another thread";
    default: return "an error without a text in tests/pretend_cuda/library/devices.cpp";
  }
}

}  // namespace pretend

using namespace pretend;

// Limits the memory of all cards from now on.
EXPORTED void pretend_cuda_limit(size_t bytes) {
  Lock lock;
  for (Device& device : state().devices) device.limit = bytes;
}

cudaError_t cudaGetDeviceCount(int* count) {
  Lock lock;
  *count = static_cast<int>(state().devices.size());
  return *count ? cudaSuccess : fail(cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
  *device = this_device;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  Lock lock;
  if (!exists(device)) return fail(cudaErrorInvalidDevice);
  this_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  Lock lock;
  if (!exists(device)) return fail(cudaErrorInvalidDevice);
  fill(*properties, device);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr which, int device) {
  Lock lock;
  if (!exists(device)) return fail(cudaErrorInvalidDevice);
  *value = attribute(which);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int size, int device) {
  std::snprintf(text, size, "0000:%02x:00.0", device + 1);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* available, size_t* total) {
  Lock lock;
  const Device& device = state().devices[this_device];
  *total = device.limit;
  *available = device.limit > device.used ? device.limit - device.used : 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}

// No card reaches another's memory.
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  *can = 0;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}

// "Returns the last error that has been produced by any of the runtime calls [...] in the host
// thread and resets it to cudaSuccess." (cudaGetLastError)
cudaError_t cudaGetLastError() {
  const cudaError_t error = last_error;
  last_error = cudaSuccess;
  return error;
}

cudaError_t cudaPeekAtLastError() { return last_error; }

const char* cudaGetErrorString(cudaError_t error) { return text_of(error); }

const char* cudaGetErrorName(cudaError_t error) { return text_of(error); }

EXPORTED cudaError_t cudaProfilerStart() { return cudaSuccess; }

EXPORTED cudaError_t cudaProfilerStop() { return cudaSuccess; }
