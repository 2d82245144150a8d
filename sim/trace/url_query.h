// What the query of a logged request's URL says. Pure.
#ifndef EPSLICE_SIM_TRACE_URL_QUERY_H_
#define EPSLICE_SIM_TRACE_URL_QUERY_H_

#include <string>
#include <string_view>

namespace epslice::sim {

// Behind the '?'; empty where there is none.
std::string_view QueryOf(std::string_view uri);

// The first value under `name`, decoded; empty where there is none. What is
// no %XX stands for itself: a log is not the place to refuse it.
std::string QueryValue(std::string_view query, std::string_view name);

}  // namespace epslice::sim

#endif  // EPSLICE_SIM_TRACE_URL_QUERY_H_
