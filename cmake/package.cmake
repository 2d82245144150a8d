# Debian packages, by `cpack -G DEB` (or `./dev package`) from a release build:
#   endpointslice-controller   the program, a systemd unit, /etc/default
#   endpointslice-sim          the simulator
#   libepslice-dev             static libraries, headers, CMake and pkg-config
# Dependencies of the programs are worked out by dpkg-shlibdeps.
set(debian ${CMAKE_CURRENT_SOURCE_DIR}/manifests/debian)

# Where only a package may put things: `cmake --install` leaves them out. The
# destinations are absolute in the package, whatever the prefix.
install(FILES ${debian}/endpointslice-controller.service DESTINATION /usr/lib/systemd/system
        COMPONENT controller EXCLUDE_FROM_ALL)
install(FILES ${debian}/endpointslice-controller.default DESTINATION /etc/default RENAME endpointslice-controller
        COMPONENT controller EXCLUDE_FROM_ALL)
# The pages as they lie in the source, so that they find each other; what they
# show of the rest is in one package, and named with its place there.
set(pages ${CMAKE_CURRENT_BINARY_DIR}/package_docs)
file(REMOVE_RECURSE ${pages})
file(GLOB_RECURSE page_files RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS docs/*.md)
foreach(page README.md ARCHITECTURE.md CHANGELOG.md SECURITY.md ${page_files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  file(READ ${page} text)
  string(REGEX REPLACE "\\]\\((\\.\\./)?test/consumer/" "](/usr/share/doc/libepslice-dev/examples/" text "${text}")
  string(REGEX REPLACE "\\]\\((\\.\\./)?manifests/sweep" "](/usr/share/doc/endpointslice-sim/examples/sweep" text "${text}")
  string(REPLACE "](LICENSE)" "](copyright)" text "${text}")
  file(WRITE ${pages}/${page} "${text}")
endforeach()
foreach(pair controller=endpointslice-controller sim=endpointslice-sim dev=libepslice-dev)
  string(REPLACE "=" ";" pair ${pair})
  list(GET pair 0 component)
  list(GET pair 1 package)
  install(FILES ${debian}/copyright DESTINATION /usr/share/doc/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(DIRECTORY ${pages}/ DESTINATION /usr/share/doc/${package} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(DIRECTORY docs/images DESTINATION /usr/share/doc/${package}/docs COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()
install(DIRECTORY manifests/sweep DESTINATION /usr/share/doc/endpointslice-sim/examples COMPONENT sim EXCLUDE_FROM_ALL)
# The programs that docs/library.md shows.
foreach(example external_endpoints one_of_several)
  install(FILES test/consumer/${example}/main.cc DESTINATION /usr/share/doc/libepslice-dev/examples/${example}
          COMPONENT dev EXCLUDE_FROM_ALL)
endforeach()
install(FILES test/consumer/external_endpoints/cluster.yaml
        DESTINATION /usr/share/doc/libepslice-dev/examples/external_endpoints COMPONENT dev EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME epslice)
set(EPSLICE_PACKAGE_MAINTAINER "epslice <root@localhost>" CACHE STRING "Who builds the Debian packages, NAME <ADDRESS>")
set(CPACK_PACKAGE_CONTACT ${EPSLICE_PACKAGE_MAINTAINER})
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_COMPONENTS_ALL controller sim dev)
set(CPACK_DEB_COMPONENT_INSTALL ON)
# Absolute destinations need a root to be put below.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
# As dpkg wants them, whatever the umask of who builds.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_CONTROLLER_PACKAGE_NAME endpointslice-controller)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CONTROLLER_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm
                                                  ${debian}/postrm)
set(CPACK_COMPONENT_CONTROLLER_DESCRIPTION "EndpointSlice controller for Kubernetes
Keeps the EndpointSlices of a cluster's Services as they should be: a drop-in
for the endpointslice controller in kube-controller-manager.")

set(CPACK_DEBIAN_SIM_PACKAGE_NAME endpointslice-sim)
set(CPACK_DEBIAN_SIM_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_SIM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_SIM_DESCRIPTION "EndpointSlice simulator
Says what an EndpointSlice controller would write for a dump of a cluster, and
where its slices are not what they should be; serves a dump as an API server.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libepslice-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS
    "libabsl-dev, libcpp-httplib-dev, liblzma-dev, libsimdjson-dev, libssl-dev, libyaml-cpp-dev, libzstd-dev, \
nlohmann-json3-dev, pkg-config, zlib1g-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "EndpointSlice library: headers and static libraries
Typed objects and codecs, informers, planning of EndpointSlices as a function
from values to values, and an API server in memory to test against.")
include(CPack)
