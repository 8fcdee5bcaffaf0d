// Kernels: registered as a library that has some is loaded, and launched. They compute nothing.
//
// Names with two underscores are those that nvcc writes into the code it compiles.
#include <cstring>

#include "pretend.h"

namespace pretend {

struct Configuration {
  dim3 grid, block;
  size_t shared;
  cudaStream_t stream;
};

// Of launches that were begun: one inside the arguments of another comes first.
static thread_local std::vector<Configuration> configurations;

static cudaError_t launch(const void* function, cudaStream_t stream) {
  Lock lock;
  const auto found = state().kernels.find(function);
  const bool is_known = found != state().kernels.end();
  return enqueue_kernel(stream, std::string("kernel ") + (is_known ? found->second : "(unknown)"));
}

}  // namespace pretend

using namespace pretend;

EXPORTED void** __cudaRegisterFatBinary(void*) {
  static void* handle;
  return &handle;
}

EXPORTED void __cudaRegisterFatBinaryEnd(void**) {}

EXPORTED void __cudaUnregisterFatBinary(void**) {}

EXPORTED char __cudaInitModule(void**) { return 1; }

EXPORTED void __cudaRegisterFunction(void**, const char* function, char*, const char* name, int,
                                     void*, void*, void*, void*, int*) {
  Lock lock;
  state().kernels[function] = name;
}

EXPORTED void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int) {}

EXPORTED unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared,
                                              cudaStream_t stream) {
  configurations.push_back({grid, block, shared, stream});
  return 0;
}

EXPORTED cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared,
                                                cudaStream_t* stream) {
  const Configuration last = configurations.back();
  configurations.pop_back();
  *grid = last.grid;
  *block = last.block;
  *shared = last.shared;
  *stream = last.stream;
  return cudaSuccess;
}

EXPORTED cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* function) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(function));
  return cudaSuccess;
}

EXPORTED cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3, dim3, void**, size_t,
                                        cudaStream_t stream) {
  return launch(kernel, stream);
}

cudaError_t cudaLaunchKernel(const void* function, dim3, dim3, void**, size_t,
                             cudaStream_t stream) {
  return launch(function, stream);
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* configuration, const void* function,
                                void**) {
  return launch(function, configuration->stream);
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void*) {
  std::memset(attributes, 0, sizeof *attributes);
  attributes->maxThreadsPerBlock = 1024;
  attributes->numRegs = 32;
  attributes->binaryVersion = attributes->ptxVersion = 90;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t, cudaFuncAttribute, int, int) {
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void*, int, size_t) {
  *blocks = 8;
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void*, int,
                                                                   size_t, unsigned) {
  *blocks = 8;
  return cudaSuccess;
}

// A variable of a kernel: its host copy, which nothing reads, stands for it.
cudaError_t cudaGetSymbolAddress(void** address, const void* symbol) {
  *address = const_cast<void*>(symbol);
  return cudaSuccess;
}
