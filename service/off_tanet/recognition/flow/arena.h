// Memory that is allocated piece by piece and released all at once.
#pragma once

#include <cstddef>
#include <memory_resource>

#if defined(__SANITIZE_ADDRESS__)

// Allocates every piece on its own, so that the sanitizer detects accesses beyond its end.
class Arena : public std::pmr::memory_resource {
   public:
    Arena(void*, std::size_t) {}

   private:
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        return std::pmr::new_delete_resource()->allocate(bytes, alignment);
    }
    void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(piece, bytes, alignment);
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
};

#else

using Arena = std::pmr::monotonic_buffer_resource;

#endif
