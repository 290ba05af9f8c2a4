// A catalog as plainly as can be: a map per dataset. The measure of the real ones.
#ifndef HUILIU_TESTS_FAKES_MAP_CATALOG_H_
#define HUILIU_TESTS_FAKES_MAP_CATALOG_H_

#include <memory>

#include "broker/catalog/catalog.h"

namespace huiliu {

std::unique_ptr<Catalog> NewMapCatalog();

}  // namespace huiliu

#endif  // HUILIU_TESTS_FAKES_MAP_CATALOG_H_
