package io.github.stillgate.core.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.stillgate.core.model.Layer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayerFormatsTest {
  @Test
  void everyKindOfLayerHasOneFormat() {
    List<Class<?>> kinds = new ArrayList<>();
    LayerFormats.all().forEach(format -> kinds.add(format.kind()));
    assertThat(kinds).containsExactlyInAnyOrderElementsOf(kindsOf(Layer.class));
    assertThat(LayerFormats.all()).extracting(LayerFormat::type).doesNotHaveDuplicates();
  }

  private static List<Class<?>> kindsOf(Class<?> sealed) {
    List<Class<?>> kinds = new ArrayList<>();
    for (Class<?> kind : sealed.getPermittedSubclasses()) {
      if (kind.isSealed()) {
        kinds.addAll(kindsOf(kind));
      } else {
        kinds.add(kind);
      }
    }
    return kinds;
  }

  @Test
  void everyTypeIsAWordOfTheFormat() throws IOException {
    Path format = Path.of("../docs/format.md");
    assumeThat(format).as("the description of the format").exists();
    assertThat(Files.readString(format))
        .contains(LayerFormats.all().stream().map(f -> "`" + f.type() + "`").toList());
  }

  @Test
  void aTypeThatIsNoneIsRefusedWithThoseThatAre() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LayerFormats.ofType("GRU"))
        .withMessageContaining("layer type \"GRU\" is not known")
        .withMessageContaining("gru, lstm, sru, simple_rnn");
  }
}
