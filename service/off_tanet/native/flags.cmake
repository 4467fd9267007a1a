# Flags that GCC, Clang and clang-cl understand. `add_flags` adds flags in the form of GCC; the driver
# clang-cl needs a prefix, and means other warnings by -Wall.
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "The C++ code uses vector extensions of GCC and Clang; configure with -T ClangCL")
endif()

include_directories(${CMAKE_CURRENT_LIST_DIR})  # simd.h and exported.h

set(CMAKE_CXX_STANDARD 17)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
if(MSVC)
  set(CMAKE_CXX_FLAGS_RELEASE "/clang:-O3")
  set(CMAKE_MSVC_RUNTIME_LIBRARY MultiThreaded)  # Python comes without the C++ runtime
else()
  set(CMAKE_CXX_FLAGS_RELEASE "-O3")
endif()
if(MINGW)
  add_link_options(-static)
endif()

function(add_flags target)
  set(flags ${ARGN})
  if(MSVC)
    list(TRANSFORM flags PREPEND "/clang:")
  else()
    list(APPEND flags -Wall -Wextra)
  endif()
  target_compile_options(${target} PRIVATE ${flags})
endfunction()

# A library that is loaded by its name, which is the same on all systems up to the suffix.
function(add_loadable target folder)
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES PREFIX lib)
  install(TARGETS ${target} LIBRARY DESTINATION ${folder})
endfunction()

# The parts of -ffast-math that speed up arithmetic, one by one: passed to the linker as a whole, it would
# flush denormal numbers to zero in the whole process, NumPy included.
set(ARITHMETIC -fno-math-errno -fno-trapping-math -fno-signed-zeros -ffinite-math-only
               -ffp-contract=fast)

# The instruction sets for which libraries that use simd.h are built, one library for each, so that no
# function compiled for a newer processor can replace its namesake in another build.
set(BUILDS generic)
set(VECTOR_BYTES_generic 16)
# GCC for Windows does not align wide vectors on the stack (its bug 54412).
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND NOT MINGW)
  list(APPEND BUILDS avx2 avx512)
  set(VECTOR_BYTES_avx2 32)
  set(FLAGS_avx2 -mavx2 -mfma -mtune=haswell)
  set(VECTOR_BYTES_avx512 64)
  set(FLAGS_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
                   -mtune=skylake-avx512)
endif()

function(add_build_flags target build)
  target_compile_definitions(${target} PRIVATE VECTOR_BYTES=${VECTOR_BYTES_${build}})
  add_flags(${target} -Wno-psabi ${ARITHMETIC} ${FLAGS_${build}})
endfunction()
