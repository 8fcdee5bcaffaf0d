// The macros of CUDA's own crt/host_defines.h that its runtime's headers use, as a host compiler
// sees them. Torch's wheels bring cuda_runtime_api.h without this file; a toolkit has its own,
// which is found first.
#pragma once

#define __host__
#define __device__
#define __cudart_builtin__
#define __device_builtin__
#define __device_builtin_surface_type__
#define __device_builtin_texture_type__
#define __align__(n) __attribute__((aligned(n)))
#define __builtin_align__(n) __align__(n)
#define __forceinline__ __inline__ __attribute__((always_inline))
#define CUDARTAPI
#define CUDARTAPI_CDECL
