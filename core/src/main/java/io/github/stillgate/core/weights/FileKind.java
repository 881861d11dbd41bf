package io.github.stillgate.core.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.zip.ZipFile;

/**
 * What a file is by its first bytes, whatever its name says, and what to do with one that was given
 * for another kind.
 */
public enum FileKind {
  /** No byte at all. */
  EMPTY("is empty (0 bytes)", "write it again: a copy or a download may have broken off"),
  /** Eight bytes of length and a JSON header. */
  SAFETENSORS(
      "is a safetensors file",
      "inspect and run read it if it describes a network (docs/format.md); if it is a PyTorch state"
          + " dict, ./stillgate convert FILE OUT --layers ... says what is in it (docs/pytorch.md)"),
  /** An ONNX model, told by the fields a protobuf of one begins with. */
  ONNX("is an ONNX model", "./stillgate convert FILE.onnx OUT.safetensors makes a network of it"),
  /** Zip: what torch.save has written since PyTorch 1.6; other archives of its kind too. */
  PYTORCH_ZIP(
      "is a zip archive, as torch.save writes (.pt, .pth, .bin, .ckpt)",
      "in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT), where FILE"
          + " holds a state dict, then ./stillgate convert OUT MODEL --layers ... (docs/pytorch.md)"),
  /** Zip with code in it: what torch.jit.save writes. */
  TORCHSCRIPT(
      "is TorchScript, as torch.jit.save writes (.pt, .jit)",
      "what its modules compute is code, which is not read; in Python:"
          + " safetensors.torch.save_file(torch.jit.load(FILE, map_location=\"cpu\").state_dict(), OUT),"
          + " then ./stillgate convert OUT MODEL --layers ... says what is in it (docs/pytorch.md), or"
          + " export the module it was made from to ONNX"),
  /** Zip with a configuration and an HDF5 in it: Keras 3. */
  KERAS_ZIP(
      "is a Keras archive (.keras)",
      "in Python: keras.models.load_model(FILE).save(\"OUT.h5\"), then ./stillgate convert OUT.h5"
          + " MODEL (docs/formats.md)"),
  /** Zip of numpy arrays. */
  NUMPY_ZIP(
      "is a zip of numpy arrays (.npz)",
      "in Python: safetensors.numpy.save_file(dict(numpy.load(FILE)), OUT)"),
  /** A Python pickle: what torch.save wrote before PyTorch 1.6. */
  PICKLE(
      "is a Python pickle, as old versions of torch.save write",
      "in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT), where FILE"
          + " holds a state dict, then ./stillgate convert OUT MODEL --layers ... (docs/pytorch.md)"),
  /** HDF5: Keras. */
  HDF5(
      "is an HDF5 file, as Keras writes (.h5, .hdf5)",
      "./stillgate convert FILE OUT.safetensors makes a network of a whole model that is a chain of"
          + " layers (docs/formats.md); export others to ONNX (tf2onnx, or model.export(OUT,"
          + " format=\"onnx\"))"),
  /** JSON: RTNeural, GuitarML, Neural Amp Modeler and others. */
  JSON(
      "is JSON text, as RTNeural and Neural Amp Modeler (.nam) write",
      "./stillgate convert FILE OUT.safetensors makes a network of one of those (docs/formats.md); of"
          + " others export the network the file was made from to ONNX"),
  /** RNNoise. */
  RNNOISE(
      "is an RNNoise model (.rnnn)",
      "./stillgate convert FILE OUT.safetensors makes a network of it (docs/formats.md)"),
  /** One numpy array. */
  NUMPY(
      "is a numpy array (.npy)",
      "in Python: safetensors.numpy.save_file({NAME: numpy.load(FILE)}, OUT)"),
  /** gzip. */
  GZIP("is compressed with gzip", "unpack it: gunzip, or tar xzf"),
  /** tar. */
  TAR("is a tar archive", "unpack it: tar xf"),
  /** What stands in a git repository for a file that Git LFS keeps. */
  GIT_LFS("is a pointer that Git LFS left in place of the file", "fetch the file: git lfs pull"),
  /** A web page. */
  HTML(
      "is a web page",
      "a download link was followed to a page: take the address of the file itself"),
  /** GGUF: llama.cpp. */
  GGUF("is a GGUF file, as llama.cpp reads", "convert the network it was made from"),
  /** TensorFlow Lite. */
  TFLITE(
      "is a TensorFlow Lite model",
      "export the network it was made from to ONNX, then ./stillgate convert"),
  /** Any other text. */
  TEXT(
      "is a text file",
      "give a network: a safetensors file, or a file of another program to convert"
          + " (docs/formats.md)"),
  /** None of these. */
  UNKNOWN(
      "is no kind of file known here",
      "give a network: a safetensors file, or a file of another program to convert"
          + " (docs/formats.md)");

  /** As many first bytes as {@link #of(byte[])} looks at. */
  public static final int LOOKS_AT = 512;

  /** Where TorchScript keeps what its modules compute. */
  private static final Pattern TORCH_CODE = Pattern.compile("^[^/]+/code/__torch__");

  private final String what;
  private final String cure;

  FileKind(String what, String cure) {
    this.what = what;
    this.cure = cure;
  }

  /** What such a file is, to stand behind its name: "is an ONNX model". */
  public String what() {
    return what;
  }

  /** What to do with such a file, in one sentence without a full stop. */
  public String cure() {
    return cure;
  }

  /**
   * The kind of the regular file at {@code path}.
   *
   * @throws NoSuchFileException if there is none
   * @throws IOException if it is a directory, a FIFO or a device, which are not opened, or cannot
   *     be read
   */
  public static FileKind of(Path path) throws IOException {
    return of(path, RegularFile.first(path, LOOKS_AT));
  }

  /** The kind of a file of which the first bytes are known; of an archive its names tell more. */
  static FileKind of(Path path, byte[] first) {
    FileKind kind = of(first);
    return kind == PYTORCH_ZIP ? ofZip(path) : kind;
  }

  /** The first bytes of all archives are the same; one that cannot be read stays what it was. */
  private static FileKind ofZip(Path path) {
    try (ZipFile zip = new ZipFile(path.toFile())) {
      Predicate<String> has = end -> zip.stream().anyMatch(e -> e.getName().endsWith(end));
      if (zip.stream().anyMatch(entry -> TORCH_CODE.matcher(entry.getName()).find())) {
        return TORCHSCRIPT;
      }
      if (has.test(".weights.h5") && has.test("config.json")) {
        return KERAS_ZIP;
      }
      boolean isNumpy = zip.size() > 0 && zip.stream().allMatch(e -> e.getName().endsWith(".npy"));
      return isNumpy ? NUMPY_ZIP : PYTORCH_ZIP;
    } catch (IOException | IllegalArgumentException | UnsupportedOperationException damaged) {
      return PYTORCH_ZIP;
    }
  }

  /**
   * The kind of a file that begins with {@code first}; {@link #PYTORCH_ZIP} for any zip archive.
   *
   * @param first its first {@link #LOOKS_AT} bytes, or all if it is shorter
   */
  public static FileKind of(byte[] first) {
    if (first.length == 0) {
      return EMPTY;
    }
    if (starts(first, 'P', 'K', 3, 4) || starts(first, 'P', 'K', 5, 6)) {
      return PYTORCH_ZIP;
    }
    if (starts(first, 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n')) {
      return HDF5;
    }
    if (starts(first, 0x93, 'N', 'U', 'M', 'P', 'Y')) {
      return NUMPY;
    }
    if (starts(first, 0x1f, 0x8b)) {
      return GZIP;
    }
    if (starts(first, 'G', 'G', 'U', 'F')) {
      return GGUF;
    }
    if (at(first, 4, 'T', 'F', 'L', '3')) {
      return TFLITE;
    }
    if (at(first, 257, 'u', 's', 't', 'a', 'r')) {
      return TAR;
    }
    if (isSafetensors(first)) {
      return SAFETENSORS;
    }
    if (first.length > 2 && first[0] == (byte) 0x80 && first[1] >= 2 && first[1] <= 5) {
      return PICKLE;
    }
    if (isOnnx(first)) {
      return ONNX;
    }
    return ofText(first);
  }

  private static boolean starts(byte[] first, int... bytes) {
    return at(first, 0, bytes);
  }

  private static boolean at(byte[] first, int offset, int... bytes) {
    if (first.length < offset + bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if (first[offset + i] != (byte) bytes[i]) {
        return false;
      }
    }
    return true;
  }

  /** A length that a header can have, or any length in front of an object's first name. */
  private static boolean isSafetensors(byte[] first) {
    if (first.length < 9 || first[8] != '{') {
      return false;
    }
    long length = ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).getLong();
    boolean possible = length >= 0 && length <= WeightsFile.MAX_HEADER_BYTES;
    return possible || first.length > 9 && (first[9] == '"' || first[9] == '}');
  }

  /** Field 1, ir_version, a small number, and then a field of a ModelProto. */
  private static boolean isOnnx(byte[] first) {
    if (first.length < 4 || first[0] != 0x08 || first[1] < 1 || first[1] > 32) {
      return false;
    }
    // producer_name, producer_version, domain, model_version, doc_string, graph, opset_import
    return switch (first[2]) {
      case 0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42 -> true;
      default -> false;
    };
  }

  private static FileKind ofText(byte[] first) {
    String text;
    try {
      // A character that the end of the bytes cuts in two is no fault of the text.
      int end = first.length < LOOKS_AT ? first.length : lastWhole(first);
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(first, 0, end))
              .toString();
    } catch (CharacterCodingException e) {
      return UNKNOWN;
    }
    if (text.chars().anyMatch(c -> c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f')) {
      return UNKNOWN;
    }
    String begin = text.startsWith("\ufeff") ? text.substring(1).strip() : text.strip();
    if (begin.startsWith("version https://git-lfs")) {
      return GIT_LFS;
    }
    if (begin.startsWith("rnnoise-nu model file version")) {
      return RNNOISE;
    }
    if (begin.startsWith("{") || begin.startsWith("[")) {
      return JSON;
    }
    return begin.startsWith("<") ? HTML : TEXT;
  }

  private static int lastWhole(byte[] bytes) {
    int end = bytes.length;
    while (end > bytes.length - 4 && (bytes[end - 1] & 0xc0) == 0x80) {
      end--;
    }
    return (bytes[end - 1] & 0xc0) == 0xc0 ? end - 1 : bytes.length;
  }
}
