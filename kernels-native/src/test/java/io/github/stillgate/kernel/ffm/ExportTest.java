package io.github.stillgate.kernel.ffm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What Java calls is what the header declares. */
class ExportTest {
  private static final Pattern KERNEL =
      Pattern.compile("KERNEL\\((\\w+),\\s*(\\w+),\\s*\\(([^)]*)\\)");
  private static final Pattern FUNCTION =
      Pattern.compile("SG_EXPORT ([\\w ]+[ *])(\\w+)\\(([^)]*)\\);");

  private static String header() throws IOException {
    return Files.readString(Path.of("../native/include/stillgate.h"), UTF_8)
        .replace("\\\n", "\n")
        .replaceAll("(?s)/\\*.*?\\*/", "");
  }

  /** Result and number of parameters by symbol. */
  private static Map<String, String> declared() throws IOException {
    Map<String, String> shapes = new TreeMap<>();
    for (Matcher m = KERNEL.matcher(header()); m.find(); ) {
      shapes.put("sg_" + m.group(2), shape(m.group(1), m.group(3)));
    }
    for (Matcher m = FUNCTION.matcher(header()); m.find(); ) {
      shapes.put(m.group(2), shape(m.group(1), m.group(3)));
    }
    return shapes;
  }

  private static String shape(String result, String parameters) {
    String trimmed = parameters.strip();
    return "%s of %s"
        .formatted(
            result.strip().equals("void") ? "nothing" : "a word",
            trimmed.equals("void") ? 0 : trimmed.split(",").length);
  }

  @Test
  void everyDeclarationHasItsExportAndNoneIsMadeUp() throws IOException {
    Map<String, String> called = new TreeMap<>();
    for (Export export : Export.values()) {
      called.put(
          export.symbol(),
          "%s of %s"
              .formatted(
                  export.descriptor().returnLayout().isEmpty() ? "nothing" : "a word",
                  export.descriptor().argumentLayouts().size()));
    }
    assertThat(called).isEqualTo(declared());
  }

  @Test
  void theVersionIsTheHeaders() throws IOException {
    Matcher version = Pattern.compile("#define SG_ABI_VERSION (\\d+)").matcher(header());
    assertThat(version.find()).isTrue();
    assertThat(Long.parseLong(version.group(1))).isEqualTo(NativeLibrary.ABI_VERSION);
  }
}
