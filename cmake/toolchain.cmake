# Compiler flags and build accelerators: what every target of the tree gets.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Line tables are enough for backtraces; full debug information doubles the time and size of a build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")

add_compile_options(-Wall -Wextra -Wpedantic -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports uses of coroutine frames that are not there (GCC bug 104177 and its kin).
  add_compile_options(-Wno-maybe-uninitialized -fcoroutines)
endif()
if(TOLL_SANITIZE)
  add_compile_options(-fsanitize=${TOLL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TOLL_SANITIZE})
endif()
if(TOLL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
