/**
 * Writes libmemcached.txt: where libmemcached places keys, for KetamaRing to be held against. The vectors are of Debian's
 * libmemcached 1.1.4-1 on x86-64. To make them again:
 *
 *     apt-get install g++ libmemcached-dev
 *     g++ -o ../libmemcached-vectors test/vectors/libmemcached.cc -lmemcached
 *     ../libmemcached-vectors > test/vectors/libmemcached.txt
 *
 * No server is asked: memcached_generate_hash gives the node of a key.
 */
#include <libmemcached/memcached.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

constexpr int KEYS = 1000;
/** More nodes fail an assertion of libmemcached. */
constexpr int NODES_MAX = 100;

uint32_t checksum(const std::vector<uint32_t> &weights, int port) {
  memcached_st *memcached = memcached_create(nullptr);
  memcached_behavior_set(memcached, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
  for (size_t i = 0; i < weights.size(); i++) {
    std::string host = "10.0.0." + std::to_string(i);
    memcached_server_add_with_weight(memcached, host.c_str(), port, weights[i]);
  }
  uint32_t sum = 0;
  for (int k = 0; k < KEYS; k++) {
    std::string key = "user:" + std::to_string(7919 * k);
    sum = 31 * sum + memcached_generate_hash(memcached, key.data(), key.size());
  }
  memcached_free(memcached);
  return sum;
}

void write(const std::vector<uint32_t> &weights, int port) {
  std::printf("%u %d", checksum(weights, port), port);
  for (uint32_t weight : weights) std::printf(" %u", weight);
  std::printf("\n");
}

int main() {
  std::printf(
      "# By libmemcached.cc with libmemcached %s, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED. A line is a ring:\n"
      "# a checksum, the port, the weights. Node i is 10.0.0.<i>, key k of %d is user:<7919 * k>.\n"
      "# The checksum is that of the nodes i of all keys: sum = (31 * sum + i) modulo 2^32, from 0.\n",
      memcached_lib_version(), KEYS);
  for (int count = 1; count <= NODES_MAX; count++) write(std::vector<uint32_t>(count, 1), 12000);
  write(std::vector<uint32_t>(7, 1), MEMCACHED_DEFAULT_PORT);
  write(std::vector<uint32_t>(25, 3), 12000);
  for (uint32_t limit : {4u, 10u, 100u, 4294967295u}) {
    uint32_t random = limit;
    for (int count = 2; count <= 62; count += 3) {
      std::vector<uint32_t> weights;
      for (int i = 0; i < count; i++) {
        random = 1664525 * random + 1013904223;
        weights.push_back(1 + static_cast<uint32_t>((static_cast<uint64_t>(random) * limit) >> 32));
      }
      write(weights, 12000);
    }
  }
  write({1000, 1, 1000}, 12000);
}
