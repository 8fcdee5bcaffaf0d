// cuBLAS and cublasLt, whose products compute nothing; and no cuDNN.
//
// A function declares only those arguments that it reads, and how many there are before: on the
// systems that torch's CUDA builds run on, the caller takes care of the others.
#include <cstdlib>
#include <cstring>

#include "pretend.h"

using namespace pretend;

namespace {

constexpr int execution_failed = 13;  // CUBLAS_STATUS_EXECUTION_FAILED

struct Handle {
  cudaStream_t stream = nullptr;
};

int product(cudaStream_t stream, const char* name) {
  Lock lock;
  return enqueue_kernel(stream, name) ? execution_failed : success;
}

int create_blank(void** out) {
  *out = std::calloc(1, 256);
  return success;
}

int destroy_blank(void* blank) {
  std::free(blank);
  return success;
}

}  // namespace

EXPORTED int cublasCreate_v2(Handle** out) {
  *out = new Handle;
  return success;
}

EXPORTED int cublasDestroy_v2(Handle* handle) {
  delete handle;
  return success;
}

EXPORTED int cublasSetStream_v2(Handle* handle, cudaStream_t stream) {
  handle->stream = stream;
  return success;
}

EXPORTED int cublasGetMathMode(Handle*, int* mode) {
  *mode = 0;
  return success;
}

EXPORTED int cublasGetPointerMode_v2(Handle*, int* mode) {
  *mode = 0;
  return success;
}

#define DOES_NOTHING(name) \
  EXPORTED int name() { return success; }

DOES_NOTHING(cublasSetWorkspace_v2)
DOES_NOTHING(cublasSetMathMode)
DOES_NOTHING(cublasSetPointerMode_v2)
DOES_NOTHING(cublasSetSmCountTarget)
DOES_NOTHING(cublasLtMatmulDescSetAttribute)
DOES_NOTHING(cublasLtMatmulPreferenceSetAttribute)
DOES_NOTHING(cublasLtMatrixLayoutSetAttribute)
DOES_NOTHING(cublasLtMatmulAlgoCheck)
DOES_NOTHING(cublasLtMatmulAlgoInit)
DOES_NOTHING(cublasLtMatmulAlgoConfigGetAttribute)
DOES_NOTHING(cublasLtMatmulAlgoConfigSetAttribute)

#define PRODUCT(name) \
  EXPORTED int name(Handle* handle) { return product(handle->stream, #name); }

PRODUCT(cublasSgemm_v2)
PRODUCT(cublasDgemm_v2)
PRODUCT(cublasGemmEx)
PRODUCT(cublasSgemmEx)
PRODUCT(cublasSgemmStridedBatched)
PRODUCT(cublasDgemmStridedBatched)
PRODUCT(cublasGemmStridedBatchedEx)
PRODUCT(cublasSgemv_v2)
PRODUCT(cublasDgemv_v2)
PRODUCT(cublasSdot_v2)
PRODUCT(cublasDdot_v2)
PRODUCT(cublasDotEx)

EXPORTED size_t cublasLtGetVersion() { return CUDART_VERSION * 10; }
EXPORTED int cublasLtMatmulDescCreate(void** out) { return create_blank(out); }
EXPORTED int cublasLtMatmulDescDestroy(void* blank) { return destroy_blank(blank); }
EXPORTED int cublasLtMatmulPreferenceCreate(void** out) { return create_blank(out); }
EXPORTED int cublasLtMatmulPreferenceDestroy(void* blank) { return destroy_blank(blank); }
EXPORTED int cublasLtMatrixLayoutCreate(void** out) { return create_blank(out); }
EXPORTED int cublasLtMatrixLayoutDestroy(void* blank) { return destroy_blank(blank); }

// One algorithm, all of whose fields are 0: among them its state, CUBLAS_STATUS_SUCCESS.
EXPORTED int cublasLtMatmulAlgoGetHeuristic(void*, void*, void*, void*, void*, void*, void*, int,
                                            void* algorithm, int* found) {
  std::memset(algorithm, 0, 96);
  *found = 1;
  return success;
}

EXPORTED int cublasLtMatmul(void*, void*, void*, void*, void*, void*, void*, void*, void*, void*,
                            void*, void*, void*, void*, size_t, cudaStream_t stream) {
  return product(stream, "cublasLtMatmul");
}

// at::Context::userEnabledCuDNN() of torch, which is asked before each use of cuDNN: there is none,
// and a convolution takes the kernels that torch has of its own.
EXPORTED bool _ZNK2at7Context16userEnabledCuDNNEv(const void*) { return false; }
