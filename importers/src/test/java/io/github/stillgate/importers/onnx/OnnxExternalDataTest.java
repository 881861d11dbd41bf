package io.github.stillgate.importers.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.github.stillgate.importers.onnx.generated.RecurrentSpec;
import java.io.ByteArrayOutputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Weights in a file beside the graph. */
class OnnxExternalDataTest {
  @TempDir private Path folder;

  private final Map<String, String> entries = new LinkedHashMap<>();

  private static final ModelProto WHOLE = RecurrentSpec.of("GRU").with("B").toCase().model();

  /** Moves all weights into net.data, one behind the other; entries of W are replaced. */
  private Path write() throws Exception {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    ModelProto.Builder model = WHOLE.toBuilder();
    for (TensorProto.Builder tensor : model.getGraphBuilder().getInitializerBuilderList()) {
      byte[] raw = tensor.getRawData().toByteArray();
      Map<String, String> all = new LinkedHashMap<>();
      all.put("location", "net.data");
      all.put("offset", String.valueOf(data.size()));
      all.put("length", String.valueOf(raw.length));
      if (tensor.getName().equals("W")) {
        all.putAll(entries);
      }
      data.writeBytes(raw);
      tensor.clearRawData().setDataLocation(TensorProto.DataLocation.EXTERNAL);
      all.forEach((key, value) ->
          tensor.addExternalData(StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
    }
    Path path = folder.resolve("net.onnx");
    Files.write(path, model.build().toByteArray());
    Files.write(folder.resolve("net.data"), data.toByteArray());
    return path;
  }

  private void isRefused(String key, String value, String... parts) throws Exception {
    entries.clear();
    entries.put(key, value);
    Path path = write();
    assertThatThrownBy(() -> OnnxFile.open(path))
        .isInstanceOf(OnnxFormatException.class)
        .hasMessageStartingWith(path + ": tensor \"W\"")
        .hasMessageContainingAll(parts);
  }

  @Test
  void weightsBesideTheGraph() throws Exception {
    long fingerprint = OnnxFile.parse(Path.of("whole"), WHOLE.toByteArray()).model().fingerprint();
    assertThat(OnnxFile.open(write()).model().fingerprint()).isEqualTo(fingerprint);
    Path below = Files.createDirectories(folder.resolve("weights"));
    entries.put("location", "weights/w.data");
    entries.put("offset", "0");
    write();
    Files.copy(folder.resolve("net.data"), below.resolve("w.data"));
    assertThat(OnnxFile.open(folder.resolve("net.onnx")).model().fingerprint())
        .isEqualTo(fingerprint);
  }

  @Test
  void placesThatAreNoFilesBesideTheGraph() throws Exception {
    String cure = "supported are files beside the model";
    isRefused("location", "../net.data", "\"../net.data\"", cure);
    isRefused("location", "a/../../net.data", cure);
    isRefused("location", folder.resolve("net.data").toAbsolutePath().toString(), cure);
    isRefused("location", "..\\net.data", cure);
    isRefused("location", "", cure);
    isRefused("location", "a\0b", "which is no path");
    isRefused(
        "location",
        "elsewhere.data",
        "elsewhere.data, which is not there; put it beside the model",
        "save_as_external_data=False");
    isRefused("location", ".", "is a folder");
  }

  @Test
  void placesOutsideOfTheFile() throws Exception {
    long size = Files.size(write().resolveSibling("net.data"));
    isRefused("offset", String.valueOf(size - 8), "which has %d; copy".formatted(size));
    isRefused("offset", "-4", "says offset \"-4\"", "expected a number from 0 on");
    isRefused("length", String.valueOf(Long.MAX_VALUE), "9223372036854775807 bytes from 0 on");
    isRefused("length", "many", "says length \"many\"");
    entries.clear();
    entries.put("length", "12");
    Path path = write();
    assertThatThrownBy(() -> OnnxFile.open(path).model())
        .hasMessageContaining("tensor \"W\" of shape [1, 15, 4] has 12 bytes, expected 240");
  }

  @Test
  void linksThatLeadOut() throws Exception {
    Path outside = Files.createTempFile("stillgate", ".data");
    try {
      Files.createSymbolicLink(folder.resolve("link.data"), outside);
    } catch (FileSystemException | UnsupportedOperationException e) {
      Assumptions.abort("no symbolic links here: " + e.getMessage());
    }
    isRefused("location", "link.data", "a link that leads out of the model's folder");
    Files.delete(outside);
  }
}
