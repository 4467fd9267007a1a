# Flags that GCC, Clang and clang-cl understand. `add_flags` adds flags in the form of GCC; the driver
# clang-cl needs a prefix, and means other warnings by -Wall.
if(MSVC AND NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "The C++ code uses vector extensions of GCC and Clang; configure with -T ClangCL")
endif()

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
