package io.github.stillgate.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.management.ThreadMXBean;
import io.github.stillgate.audio.WavEncoding;
import io.github.stillgate.audio.WavFormat;
import io.github.stillgate.audio.WavReader;
import io.github.stillgate.audio.WavWriter;
import io.github.stillgate.core.model.Combine;
import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.IndexMap;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import io.github.stillgate.core.weights.WeightsWriter;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A network that adds up what it is given: the sum so far of each of two values, and the first. */
class ScoreCommandTest {
  private static final int ROWS = 5;

  @TempDir Path folder;

  private Path sums;
  private Path two;

  @BeforeEach
  void makeModels() throws Exception {
    sums = folder.resolve("sums.safetensors");
    new Model(
            Graph.builder()
                .input("x", 2)
                .state("last", Matrix.vector("last", 0, 0), "sum")
                .node(new Combine("sum", 2, Combine.Kind.ADD), "x", "last")
                .output("sum")
                .build())
        .save(sums);
    two = folder.resolve("two.safetensors");
    new Model(
            Graph.builder()
                .input("a", 2)
                .input("b", 2)
                .node(new Combine("sum", 2, Combine.Kind.ADD), "a", "b")
                .node(IndexMap.slice("first", 2, 0, 1), "sum")
                .output("sum")
                .output("first")
                .build())
        .save(two);
  }

  private Path file(String name, String text) throws Exception {
    return Files.writeString(folder.resolve(name), text);
  }

  private String out(String name) {
    return folder.resolve(name).toString();
  }

  /** A numpy array as its documentation has it. */
  private Path numpy(String name, String type, String shape, ByteBuffer data) throws Exception {
    String header =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }".formatted(type, shape);
    ByteBuffer bytes =
        ByteBuffer.allocate(10 + header.length() + 1 + data.capacity())
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.put((byte) 0x93).put("NUMPY\1\0".getBytes(StandardCharsets.US_ASCII));
    bytes.putShort((short) (header.length() + 1));
    bytes.put(header.getBytes(StandardCharsets.US_ASCII)).put((byte) '\n').put(data.array());
    return Files.write(folder.resolve(name), bytes.array());
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private Path sound(String name, float... samples) throws Exception {
    Path path = folder.resolve(name);
    try (OutputStream bytes = Files.newOutputStream(path)) {
      WavWriter writer =
          new WavWriter(bytes, new WavFormat(8000, 1, WavEncoding.FLOAT32), samples.length);
      writer.write(samples, 0, samples.length);
      writer.finish();
    }
    return path;
  }

  private static float[][] csv(Path path) throws Exception {
    return Files.readAllLines(path).stream()
        .map(line -> {
          String[] fields = line.split(",");
          float[] row = new float[fields.length];
          for (int i = 0; i < row.length; i++) {
            row[i] = Float.parseFloat(fields[i]);
          }
          return row;
        })
        .toArray(float[][]::new);
  }

  /** What 1, 2, 3, ... in two columns add up to. */
  private static final float[][] COUNTED = {{1, 2}, {4, 6}, {9, 12}, {16, 20}, {25, 30}};

  @Test
  void everyKindOfFileIsRead() throws Exception {
    ByteBuffer floats = little(8 * ROWS);
    ByteBuffer doubles = little(16 * ROWS);
    ByteBuffer shorts = little(4 * ROWS);
    float[] values = new float[2 * ROWS];
    for (int i = 0; i < values.length; i++) {
      values[i] = i + 1;
      floats.putFloat(i + 1);
      doubles.putDouble(i + 1);
      shorts.putShort((short) (i + 1));
    }
    String lines =
        IntStream.range(0, ROWS)
            .mapToObj(i -> "%d, %d.0e0".formatted(2 * i + 1, 2 * i + 2))
            .collect(Collectors.joining("\r\n\n"));
    Path tensors = folder.resolve("tensors.safetensors");
    new WeightsWriter().tensor("y", new float[3], 3).tensor("x", values, ROWS, 1, 2).write(tensors);
    Path one = folder.resolve("one.safetensors");
    new WeightsWriter().tensor("other", DType.BF16, values, ROWS, 2).write(one);
    for (Path path :
        new Path[] {
          numpy("f4.npy", "<f4", "5, 2", floats),
          numpy("f8.npy", "<f8", "5, 2", doubles),
          numpy("i2.npy", "<i2", "5, 1, 2", shorts),
          file("plain.csv", lines),
          file("marked.csv", "\ufeff" + lines),
          file("named.csv", "left,right\n" + lines + "\n"),
          sound("sound.wav", values),
          sound("cut.wav", Arrays.copyOf(values, 10)),
          tensors,
          one
        }) {
      assertThat(csv(sumsOf(path.toString()))).as(path.toString()).isDeepEqualTo(COUNTED);
      assertThat(csv(sumsOf("x=" + path))).as(path.toString()).isDeepEqualTo(COUNTED);
    }
    assertThat(csv(sumsOf(sound("odd.wav", 1, 2, 3).toString())))
        .isDeepEqualTo(new float[][] {{1, 2}, {4, 2}});
    assertThat(csv(sumsOf(sound("hop.wav", 1, 2, 3).toString(), "--hop", "1")))
        .isDeepEqualTo(new float[][] {{1, 2}, {3, 5}});
  }

  private Path sumsOf(String in, String... options) {
    Path to = folder.resolve("sums.csv");
    Outcome run =
        Outcome.run(
            Stream.concat(
                    Stream.of("score", sums.toString(), in, to.toString()), Stream.of(options))
                .toArray(String[]::new));
    assertThat(run.code()).as(run.err()).isZero();
    return to;
  }

  @Test
  void everyKindOfFileIsWritten() throws Exception {
    String in = file("in.csv", "0.1,2\n-3e-5,4e10\n").toString();
    String model = sums.toString();
    for (String ending : new String[] {"npy", "csv", "safetensors"}) {
      assertThat(
              Outcome.run("score", model, in, out("o." + ending), "--input-bound", "1e11").code())
          .isZero();
    }
    float[] expected = {0.1f, 2, 0.1f + -3e-5f, 2 + 4e10f};
    byte[] numpy = Files.readAllBytes(folder.resolve("o.npy"));
    assertThat(new String(numpy, 0, 128, StandardCharsets.ISO_8859_1))
        .contains("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }")
        .endsWith("\n");
    float[] array = new float[4];
    ByteBuffer.wrap(numpy).order(ByteOrder.LITTLE_ENDIAN).position(128).asFloatBuffer().get(array);
    assertThat(array).containsExactly(expected);
    assertThat(numpy).hasSize(128 + 16);
    assertThat(csv(folder.resolve("o.csv")))
        .isDeepEqualTo(new float[][] {{expected[0], 2}, {expected[2], expected[3]}});
    try (WeightsFile file = WeightsFile.open(folder.resolve("o.safetensors"))) {
      assertThat(file.tensor("sum").shape()).containsExactly(2, 2);
      assertThat(file.tensor("sum").toFloats()).containsExactly(expected);
    }
    Path wav = sound("in.wav", 0.5f, 0.25f, 0.125f);
    assertThat(Outcome.run("score", model, wav.toString(), out("o.wav")).code()).isZero();
    assertThat(samples(folder.resolve("o.wav"), 8000)).containsExactly(0.5f, 0.25f, 0.625f, 0.25f);
    assertThat(Outcome.run("score", model, in, out("p.wav"), "--input-bound", "1e11").err())
        .contains("give --rate HZ");
    assertThat(
            Outcome.run(
                    "score", model, in, out("p.wav"), "--input-bound", "1e11", "--rate", "11025")
                .code())
        .isZero();
    assertThat(samples(folder.resolve("p.wav"), 11025)).containsExactly(expected);
  }

  private static float[] samples(Path wav, int rate) throws Exception {
    try (WavReader reader = WavReader.open(wav, 0)) {
      assertThat(reader.format().rate()).isEqualTo(rate);
      float[] samples = new float[(int) reader.frames()];
      reader.read(samples, 0, samples.length);
      return samples;
    }
  }

  @Test
  void severalInputsAndOutputsGoByTheirNames() throws Exception {
    String a = file("a.csv", "1,2\n3,4\n").toString();
    String b = file("b.csv", "10,20\n30,40\n").toString();
    String model = two.toString();
    Path tensors = folder.resolve("in.safetensors");
    new WeightsWriter()
        .tensor("a", new float[] {1, 2, 3, 4}, 2, 2)
        .tensor("b", new float[] {10, 20, 30, 40}, 2, 2)
        .write(tensors);
    for (String[] in :
        new String[][] {{"a=" + a, "b=" + b}, {"b=" + b, a}, {tensors.toString(), null}}) {
      Outcome run =
          in[1] == null
              ? Outcome.run("score", model, in[0], out("o.safetensors"))
              : Outcome.run("score", model, in[0], in[1], out("o.safetensors"));
      assertThat(run.code()).as(run.err()).isZero();
      try (WeightsFile file = WeightsFile.open(folder.resolve("o.safetensors"))) {
        assertThat(file.tensor("sum").toFloats()).containsExactly(11, 22, 33, 44);
        assertThat(file.tensor("first").toFloats()).containsExactly(11, 33);
        assertThat(file.tensor("first").shape()).containsExactly(2, 1);
      }
    }
    Outcome set = Outcome.run("score", model, a, out("o.csv"), "--set", "b=100", "--json");
    JsonNode summary = JsonMapper.builder().build().readTree(set.out());
    assertThat(summary.get("steps").intValue()).isEqualTo(2);
    assertThat(summary.get("p99_us").doubleValue())
        .isGreaterThanOrEqualTo(summary.get("p50_us").doubleValue());
    assertThat(Files.readAllLines(folder.resolve("o.csv")))
        .containsExactly("sum[0],sum[1],first[0]", "101.0,102.0,101.0", "103.0,104.0,103.0");
    assertThat(Outcome.run("score", model, a, out("o.csv"), "--set", "b=5,7").code()).isZero();
    assertThat(Files.readAllLines(folder.resolve("o.csv"))).contains("6.0,9.0,6.0");
    assertThat(
            Outcome.run("score", model, a, out("f.npy"), "--set", "b=0", "--output", "first")
                .code())
        .isZero();
    assertThat(Files.size(folder.resolve("f.npy"))).isEqualTo(128 + 8);
  }

  private void refused(String message, String... args) {
    Outcome run = Outcome.run(args);
    assertThat(run.code()).as(run.out()).isNotZero();
    assertThat(run.err()).contains(message).doesNotContain("bug");
  }

  @Test
  void whatDoesNotFitIsRefusedByName() throws Exception {
    String model = sums.toString();
    String several = two.toString();
    String a = file("a.csv", "1,2\n3,4\n").toString();
    String to = out("o.csv");
    refused(
        "narrow.csv: row 1 (line 3) has 1 values, the model reads 2",
        "score",
        model,
        file("narrow.csv", "1,2\n\n3\n").toString(),
        to);
    refused(
        "rows of 3 values from row 0 on (its shape is [1, 3]), the model reads 2",
        "score",
        model,
        numpy("n.npy", "<f4", "1, 3", little(12)).toString(),
        to);
    refused(
        "nan.csv: row 1 (line 2): value 0 of input x is NaN",
        "score",
        model,
        file("nan.csv", "1,2\nNaN,1").toString(),
        to);
    refused(
        "row 0 (line 1): value 1 of input x is 1.0E9; --input-bound",
        "score",
        model,
        file("big.csv", "1,1e9").toString(),
        to);
    refused(
        "row 0 (line 1): field 1, \"two\", is no number",
        "score",
        model,
        file("word.csv", "1,two\n").toString(),
        to);
    refused(
        "is truncated: shape [5, 2] takes 40 bytes, 36 are there",
        "score",
        model,
        numpy("t.npy", "<f4", "5, 2", little(36)).toString(),
        to);
    byte[] wav = Files.readAllBytes(sound("whole.wav", 1, 2, 3));
    refused(
        "12 bytes of samples are announced, 11 are there",
        "score",
        model,
        Files.write(folder.resolve("t.wav"), Arrays.copyOf(wav, wav.length - 1)).toString(),
        to);
    refused("big-endian", "score", model, numpy("b.npy", ">f4", "1, 2", little(8)).toString(), to);
    refused("holds c8", "score", model, numpy("c.npy", "<c8", "1, 2", little(16)).toString(), to);
    refused(
        "input x has no rows", "score", model, file("empty.csv", "left,right\n").toString(), to);
    refused("JSON", "score", model, file("x.json", "{\"a\": 1}").toString(), to);
    refused("no such file", "score", model, out("missing.csv"), to);
    refused("has no tensor called \"x\"", "score", model, several, to);
    refused("ending says what to write", "score", model, a, out("o.txt"));
    refused("would write over", "score", model, a, a);
    refused("would write over", "score", model, a, model);
    refused("a.csv holds one input, and the model reads [a, b]", "score", several, a, to);
    refused("nothing is given for [b]", "score", several, "a=" + a, to);
    refused("input a is given twice", "score", several, "a=" + a, "a=" + a, to);
    refused("is for no input", "score", model, "x=" + a, a, to);
    refused(
        "--set c: the model has no such input; it reads [a, b]",
        "score",
        several,
        a,
        to,
        "--set",
        "c=1");
    refused("--set b has 3 values, the input has 2", "score", several, a, to, "--set", "b=1,2,3");
    refused("o.csv is for no input", "score", model, to, to, "--set", "x=1");
    refused(
        "input a has 2 rows and b has 1",
        "score",
        several,
        "a=" + a,
        "b=" + file("short.csv", "1,2"),
        to);
    refused(
        "a .npy file holds one output, and the model gives [sum, first]",
        "score",
        several,
        a,
        out("o.npy"),
        "--set",
        "b=1");
    // What the network or a file has is no matter of usage: one line.
    Outcome unlike = Outcome.run("score", several, a, out("o.npy"), "--set", "b=1");
    assertThat(unlike.code()).isEqualTo(1);
    assertThat(unlike.err()).endsWith("or write .csv or .safetensors\n").hasLineCount(1);
    refused(
        "--output last: the model has no such output", "score", model, a, to, "--output", "last");
    refused("--hop is for sound", "score", model, a, to, "--hop", "1");
    refused(
        "would leave samples out with a hop of 3",
        "score",
        model,
        sound("s.wav", 1, 2, 3).toString(),
        to,
        "--hop",
        "3");
    refused(
        "reads tokens, not vectors; ./stillgate run",
        "score",
        Path.of(System.getProperty("stillgate.home"), "models", "text8-256.safetensors").toString(),
        a,
        to);
    assertThat(folder.resolve("o.csv")).doesNotExist();
  }

  /** A failure on the way leaves the file that was there. */
  @Test
  void aFailureLeavesTheOldFile() throws Exception {
    String to = file("kept.csv", "old\n").toString();
    String bad = file("bad.csv", "1,2\n3\n").toString();
    // The input is to blame, and named first; not the file that was to be written.
    assertThat(Outcome.run("score", sums.toString(), bad, to).err())
        .isEqualTo("stillgate: %s: row 1 (line 2) has 1 values, the model reads 2 a step%n", bad);
    assertThat(Files.readString(folder.resolve("kept.csv"))).isEqualTo("old\n");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.filter(path -> path.toString().endsWith("-tmp"))).isEmpty();
    }
  }

  /** Twice as many steps allocate as much: nothing a step, whatever is read and written. */
  @Test
  void aStepAllocatesNothing() throws Exception {
    int rows = 3_000;
    float[] values = new float[4 * rows];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i);
    }
    ByteBuffer data = little(4 * values.length);
    data.asFloatBuffer().put(values);
    String[][] pairs = {
      {
        numpy("short.npy", "<f4", rows + ", 2", little(8 * rows).put(data.array(), 0, 8 * rows))
            .toString(),
        numpy("long.npy", "<f4", 2 * rows + ", 2", data).toString()
      },
      {
        sound("short.wav", Arrays.copyOf(values, 2 * rows)).toString(),
        sound("long.wav", values).toString()
      },
      {lines("short.csv", values, rows), lines("long.csv", values, 2 * rows)}
    };
    String[] endings = {"o.npy", "o.wav", "o.csv", "o.safetensors"};
    for (int i = 0; i < endings.length; i++) {
      String[] pair = pairs[i % pairs.length];
      allocated(pair[0], endings[i]);
      long more = Long.MAX_VALUE;
      for (int round = 0; round < 3; round++) {
        more = Math.min(more, allocated(pair[1], endings[i]) - allocated(pair[0], endings[i]));
      }
      // What a run allocates varies a little by itself.
      assertThat(more).as(pair[0] + " to " + endings[i]).isLessThan(rows);
    }
  }

  private String lines(String name, float[] values, int rows) throws Exception {
    return file(
            name,
            IntStream.range(0, rows)
                .mapToObj(i -> "%.6f,%.6f".formatted(values[2 * i], values[2 * i + 1]))
                .collect(Collectors.joining("\n")))
        .toString();
  }

  private long allocated(String in, String ending) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    Outcome run = Outcome.run("score", sums.toString(), in, out(ending), "--rate", "8000");
    long after = threads.getCurrentThreadAllocatedBytes();
    assertThat(run.code()).as(run.err()).isZero();
    return after - before;
  }
}
