// CUDA's driver: a library of this soname is what torch's NVRTC loads. It says that a card is in
// use, and refuses everything else: nothing here is compiled at run time.
#include <dlfcn.h>

#include "pretend.h"

using namespace pretend;

namespace {

constexpr int not_supported = 801;  // CUDA_ERROR_NOT_SUPPORTED

int refuse() { return not_supported; }

}  // namespace

EXPORTED int cuDevicePrimaryCtxGetState(int, unsigned* flags, int* is_active) {
  *flags = 0;
  *is_active = 1;
  return success;
}

EXPORTED int cuCtxGetCurrent(void** context) {
  static int any;
  *context = &any;
  return success;
}

EXPORTED int cuCtxSetCurrent(void*) { return success; }

EXPORTED int cuGetErrorString(int, const char** text) {
  *text = "the pretend CUDA has no driver";
  return success;
}

#define REFUSES(name) \
  EXPORTED int name() { return not_supported; }

REFUSES(cuDeviceGet)
REFUSES(cuDeviceGetAttribute)
REFUSES(cuDevicePrimaryCtxRetain)
REFUSES(cuFuncGetAttribute)
REFUSES(cuFuncSetAttribute)
REFUSES(cuFuncSetCacheConfig)
REFUSES(cuLaunchCooperativeKernel)
REFUSES(cuLaunchKernel)
REFUSES(cuLinkAddData_v2)
REFUSES(cuLinkComplete)
REFUSES(cuLinkCreate_v2)
REFUSES(cuModuleGetFunction)
REFUSES(cuModuleLoad)
REFUSES(cuModuleLoadData)
REFUSES(cuModuleLoadDataEx)
REFUSES(cuModuleUnload)
REFUSES(cuOccupancyMaxActiveBlocksPerMultiprocessor)
REFUSES(cuPointerGetAttribute)
REFUSES(cuTensorMapEncodeTiled)

static cudaError_t entry_point(const char* name, void** function,
                               cudaDriverEntryPointQueryResult* result) {
  *function = dlsym(RTLD_DEFAULT, name);
  if (!*function) *function = reinterpret_cast<void*>(refuse);
  if (result) *result = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

#if CUDART_VERSION >= 13000
cudaError_t cudaGetDriverEntryPointByVersion(const char* name, void** function, unsigned,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  return entry_point(name, function, result);
}
#else
cudaError_t cudaGetDriverEntryPoint(const char* name, void** function, unsigned long long,
                                    cudaDriverEntryPointQueryResult* result) {
  return entry_point(name, function, result);
}
#endif
