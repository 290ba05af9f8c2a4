// No row falls between two pages, and no two rows share an id, whatever the key is made of.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/unit/postgresql/source_reader.h"
#include "tests/unit/postgresql/test_server.h"

namespace huiliu::postgresql {
namespace {

using absl::StrCat;
using testing::HasSubstr;
using testing::Not;

constexpr char kNoUniqueIndex[] = "no unique index";

TEST(SourcePagesTest, AnIndexThatIsNotValidMakesNoKeyUnique) {
  Execute("utf8",
          "CREATE TABLE invalid (k text NOT NULL, name text, changed timestamptz); INSERT INTO "
          "invalid SELECT 'K' || i / 2, 'row' || i, now() FROM generate_series(0, 11) i");
  auto connection = Connection::Open(ServerDsn("utf8"));
  ASSERT_TRUE(connection.ok());
  // It finds two rows of one key, fails, and stays.
  ASSERT_FALSE((*connection)->Execute("CREATE UNIQUE INDEX CONCURRENTLY ON invalid (k)").ok());
  ASSERT_EQ(
      Execute("utf8", "SELECT indisunique FROM pg_index WHERE indrelid = 'invalid'::regclass"),
      "t");
  SourceReader reader("utf8", "invalid", R"("k")", R"(,"page_rows":5)");
  EXPECT_EQ(reader.Names().size(), 12u);
  EXPECT_THAT(reader.notices(), HasSubstr(kNoUniqueIndex));
  Execute("utf8", "UPDATE invalid SET name = name || '!', changed = now()");
  EXPECT_EQ(reader.Names().size(), 12u) << "in a round, too";
}

TEST(SourcePagesTest, APrimaryKeySaysNothingOfTablesThatInherit) {
  Execute("utf8",
          "CREATE TABLE parent (k text PRIMARY KEY, name text, changed timestamptz);"
          "CREATE TABLE child (PRIMARY KEY (k)) INHERITS (parent);"
          "CREATE TABLE child2 (PRIMARY KEY (k)) INHERITS (parent);"
          "INSERT INTO parent SELECT 'K' || i, 'parent' || i, now() FROM generate_series(1, 5) i;"
          "INSERT INTO child SELECT 'K' || i, 'child' || i, now() FROM generate_series(1, 5) i;"
          "INSERT INTO child2 SELECT 'K' || i, 'child2' || i, now() FROM generate_series(1, 5) i");
  SourceReader reader("utf8", "parent", R"("k")", R"(,"page_rows":4)");
  EXPECT_EQ(reader.Names().size(), 15u);
  EXPECT_THAT(reader.notices(), HasSubstr(kNoUniqueIndex));
  // A key that was unique when the source began, and is no more.
  Execute("utf8",
          "CREATE TABLE alone (k text PRIMARY KEY, name text, changed timestamptz); INSERT INTO "
          "alone SELECT 'K' || i, 'row' || i, now() FROM generate_series(1, 5) i");
  SourceReader later("utf8", "alone", R"("k")", R"(,"page_rows":4)");
  EXPECT_EQ(later.Names().size(), 5u);
  EXPECT_THAT(later.notices(), Not(HasSubstr(kNoUniqueIndex)));
  Execute("utf8",
          "CREATE TABLE added () INHERITS (alone); INSERT INTO added SELECT 'K' || i % 6, 'added' "
          "|| i, now() + interval '1 h' FROM generate_series(1, 15) i");
  EXPECT_GE(later.Names().size(), 15u);
  EXPECT_THAT(later.notices(), HasSubstr(kNoUniqueIndex));
}

TEST(SourcePagesTest, AnIndexOfAPartitionedTableHoldsForItsPartitions) {
  Execute("utf8",
          "CREATE TABLE parts (k int PRIMARY KEY, name text, changed timestamptz) PARTITION BY "
          "RANGE (k); CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM (0) TO (5); CREATE "
          "TABLE parts2 PARTITION OF parts FOR VALUES FROM (5) TO (50); INSERT INTO parts SELECT "
          "i, 'row' || i, now() FROM generate_series(0, 19) i");
  SourceReader reader("utf8", "parts", R"("k")", R"(,"page_rows":3)");
  EXPECT_EQ(reader.Names().size(), 20u);
  EXPECT_THAT(reader.notices(), Not(HasSubstr(kNoUniqueIndex)));
}

// 1.0 and 1.00 are one number: a page that ends between them and begins behind the number again
// would lose one.
TEST(SourcePagesTest, KeysThatTheDatabaseHoldsEqualAreOneWhateverTheirTexts) {
  for (const auto& [type, values] :
       {std::pair{"numeric", "'2.5', '1.0', '1.00', '1.000', '-3'"},
        std::pair{"interval", "'1 day', '24 hours', '1 mon', '30 days', '720 hours'"},
        std::pair{"float8", "'0', '-0', 'NaN', '1e-300', '0.1'"}}) {
    // A page of three may be of one key alone.
    for (int page = 3; page <= 5; ++page) {
      Execute("utf8", StrCat("DROP TABLE IF EXISTS equals; CREATE TABLE equals (k ", type,
                             ", name text, changed timestamptz); INSERT INTO equals SELECT k, "
                             "'row' || n, now() FROM unnest(ARRAY[",
                             values, "]::", type, "[]) WITH ORDINALITY AS v (k, n)"));
      SourceReader reader("utf8", "equals", R"("k")", StrCat(R"(,"page_rows":)", page));
      EXPECT_EQ(reader.Names().size(), 5u) << type << " in pages of " << page;
      Execute("utf8", "UPDATE equals SET name = name || '!', changed = now()");
      EXPECT_EQ(reader.Names().size(), 5u) << type << " changed, in pages of " << page;
    }
  }
}

TEST(SourcePagesTest, NoTwoKeysOfSeveralColumnsShareARowId) {
  Execute("utf8",
          "CREATE TABLE composite (a text, b text, name text, changed timestamptz); INSERT INTO "
          "composite VALUES ('m,n', 'o', '1', now()), ('m', 'n,o', '2', now()), ('m', 'n', '3', "
          "now()), ('', '', '4', now()), ('', NULL, '5', now()), (NULL, '', '6', now()), ('\\N', "
          "'', '7', now())");
  SourceReader reader("utf8", "composite", R"("a","b")", "");
  EXPECT_EQ(reader.Names().size(), 7u);
  const char* const ids[] = {"m\\,n,o", "m,n\\,o", "m,n", ",", ",\\N", "\\N,", "\\\\N,"};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(reader.RowId(StrCat(i + 1)), StrCat("composite:", ids[i]));
  // One column's value stands as it is.
  Execute("utf8",
          "CREATE TABLE single (a text PRIMARY KEY, name text, changed timestamptz); INSERT INTO "
          "single VALUES ('m,\\n', '1', now())");
  SourceReader single("utf8", "single", R"("a")", "");
  EXPECT_EQ(single.Names().size(), 1u);
  EXPECT_EQ(single.RowId("1"), "single:m,\\n");
}

}  // namespace
}  // namespace huiliu::postgresql
