package io.github.stillgate.examples.g2p;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said when something is missing, which needs no network. */
class G2pMessagesTest {
  @TempDir private Path folder;

  private static String failure(Path words, Path model) {
    StringWriter err = new StringWriter();
    assertThat(
            G2p.commandLine()
                .setErr(new PrintWriter(err, true))
                .execute(words.toString(), model.toString()))
        .isEqualTo(1);
    assertThat(err.toString().strip()).doesNotContain("\n");
    return err.toString();
  }

  @Test
  void aFolderWithoutTheNetworkSaysWhereItComesFrom() throws IOException {
    Path words = Files.writeString(folder.resolve("words"), "hello\n");
    assertThat(failure(words, folder))
        .contains(folder + ": holds no vocabulary_and_traces.json")
        .contains("examples/g2p/README.md");
    Files.writeString(folder.resolve("vocabulary_and_traces.json"), "{nonsense");
    assertThat(failure(words, folder)).contains("holds no g2p_en.safetensors");
    Files.writeString(folder.resolve("g2p_en.safetensors"), "");
    assertThat(failure(words, folder))
        .contains("vocabulary_and_traces.json: is not valid JSON, line 1, column")
        .doesNotContain("Source");
  }

  @Test
  void wordsMustBeThere() {
    assertThat(failure(folder, folder)).contains("is a folder");
  }
}
