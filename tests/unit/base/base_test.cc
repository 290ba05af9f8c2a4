#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "core/base/clock.h"
#include "core/base/digest.h"
#include "core/base/files.h"
#include "core/base/signing.h"

namespace huiliu {
namespace {

std::string Hex(const Digest& d) { return absl::BytesToHexString(AsBytes(d)); }

TEST(DigestTest, Sha256OfAbcIsTheStandardsVector) {
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, Sm3OfAbcIsTheStandardsVector) {
  EXPECT_EQ(Hex(Sm3("abc")), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}

TEST(DigestTest, HasherIsReusable) {
  Hasher hasher;
  hasher.Update("ab");
  hasher.Update("c");
  EXPECT_EQ(hasher.Finish(), Sha256("abc"));
  hasher.Update("abc");
  EXPECT_EQ(hasher.Finish(), Sha256("abc"));
}

TEST(DigestTest, HmacSha256IsRfc4231Case2) {
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// Ours against OpenSSL's, around every border of a block.
TEST(DigestTest, HmacsAreThoseOfOpenSsl) {
  for (size_t key_size = 0; key_size <= 200; key_size += key_size < 60 || key_size > 70 ? 13 : 1) {
    for (size_t size = 0; size <= 200; size += 7) {
      const std::string key(key_size, 'k');
      const std::string message(size, 'm');
      const auto reference = [&](const EVP_MD* algorithm) {
        Digest out;
        unsigned int length = 0;
        HMAC(algorithm, key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(), out.data(),
             &length);
        return out;
      };
      ASSERT_EQ(HmacSha256(key, message), reference(EVP_sha256())) << key_size << " " << size;
      ASSERT_EQ(HmacSm3(key, message), reference(EVP_sm3())) << key_size << " " << size;
    }
  }
}

TEST(SigningTest, SignatureVerifiesAndAChangedByteDoesNot) {
  auto key = SigningKey::Generate();
  ASSERT_TRUE(key.ok());
  auto signature = (*key)->Sign("回流");
  ASSERT_TRUE(signature.ok());
  EXPECT_TRUE(VerifySignature((*key)->public_key(), "回流", *signature));
  EXPECT_FALSE(VerifySignature((*key)->public_key(), "回留", *signature));
  (*signature)[3] ^= 1;
  EXPECT_FALSE(VerifySignature((*key)->public_key(), "回流", *signature));
  EXPECT_FALSE(VerifySignature("short", "回流", *signature));
}

TEST(SigningTest, LoadOrCreateKeepsTheKey) {
  const std::string path = testing::TempDir() + "/key" + std::to_string(getpid()) + ".pem";
  auto first = SigningKey::LoadOrCreate(path);
  ASSERT_TRUE(first.ok()) << first.status();
  auto second = SigningKey::LoadOrCreate(path);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ((*first)->public_key(), (*second)->public_key());
  ASSERT_TRUE(WriteFileDurably(path, "no key").ok());
  EXPECT_EQ(SigningKey::LoadOrCreate(path).status().code(), absl::StatusCode::kInvalidArgument);
  unlink(path.c_str());
}

TEST(FilesTest, MissingFileNamesItsPath) {
  auto content = ReadFile("/nowhere/here");
  EXPECT_EQ(content.status().code(), absl::StatusCode::kNotFound);
  EXPECT_NE(content.status().message().find("/nowhere/here"), absl::string_view::npos);
}

TEST(ClockTest, DayTurnsAtMidnightInShanghai) {
  const absl::Time t = absl::FromUnixSeconds(1735660800 - 1);  // 2024-12-31T15:59:59Z
  EXPECT_EQ(ShanghaiDay(t), "2024-12-31");
  EXPECT_EQ(ShanghaiDay(t + absl::Seconds(1)), "2025-01-01");
}

}  // namespace
}  // namespace huiliu
