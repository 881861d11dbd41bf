package io.github.stillgate.importers.torch;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What the names of a module's tensors begin with in a file. Wrappers put segments into it that the
 * user may not know of: {@code torch.compile} {@code _orig_mod}, {@code DataParallel} {@code
 * module}, trainers {@code model}.
 */
final class ModulePrefix {
  private static final Set<String> WRAPPERS =
      Set.of(
          "_orig_mod",
          "module",
          "model",
          "_forward_module",
          "_fsdp_wrapped_module",
          "_checkpoint_wrapped_module");

  /** Of these a message names each. */
  private static final int MOST_PREFIXES = 8;

  private static final int MOST_NAMES = 20;

  private ModulePrefix() {}

  /**
   * The prefix of the request, if tensors of such a module have it; else the only one that differs
   * from it by segments of wrappers alone; else none at all, where the prefix is just the word for
   * the kind and a module was saved alone.
   *
   * @param names of all parameters
   * @throws IllegalArgumentException if there are several, or none; the message names what would do
   */
  static String of(LayerRequest request, Set<String> names) {
    String asked = request.prefix();
    String begin = request.tensor("");
    if (names.stream()
        .anyMatch(name ->
            name.startsWith(begin) && request.kind().hasPart(name.substring(begin.length())))) {
      return asked;
    }
    SortedSet<String> prefixes = prefixes(request.kind(), names);
    List<String> wrapped =
        prefixes.stream().filter(prefix -> unwrapped(prefix).equals(unwrapped(asked))).toList();
    if (wrapped.size() == 1) {
      return wrapped.getFirst();
    }
    if (wrapped.isEmpty() && request.isNamedByKind()) {
      List<String> alone = prefixes.stream().filter(p -> unwrapped(p).isEmpty()).toList();
      if (alone.size() == 1) {
        return alone.getFirst();
      }
    }
    if (!wrapped.isEmpty()) {
      throw new IllegalArgumentException(
          "%s may be any of these, so ask for %s".formatted(request, requests(request, wrapped)));
    }
    String missing = "has no tensor \"%s\"".formatted(begin + request.kind().example());
    if (prefixes.isEmpty()) {
      throw new IllegalArgumentException(
          "%s, nor any of a module %s; it has %s"
              .formatted(
                  missing, request.kind().word(), names.stream().limit(MOST_NAMES).toList()));
    }
    throw new IllegalArgumentException(
        "%s; there are such tensors under other prefixes, so ask for %s"
            .formatted(missing, requests(request, List.copyOf(prefixes))));
  }

  /** Prefixes of all modules that may be of that kind. */
  private static SortedSet<String> prefixes(LayerRequest.Kind kind, Set<String> names) {
    SortedSet<String> prefixes = new TreeSet<>();
    for (String name : names) {
      int begin = 0;
      while (begin < name.length() && !kind.hasPart(name.substring(begin))) {
        int dot = name.indexOf('.', begin);
        begin = dot < 0 ? name.length() : dot + 1;
      }
      if (begin < name.length()) {
        prefixes.add(name.substring(0, Math.max(0, begin - 1)));
      }
    }
    return prefixes;
  }

  /** What to ask for; what ends as it was asked for comes first. */
  private static String requests(LayerRequest request, List<String> prefixes) {
    String end = "." + request.prefix();
    String some =
        prefixes.stream()
            .sorted((a, b) -> Boolean.compare(b.endsWith(end), a.endsWith(end)))
            .limit(MOST_PREFIXES)
            .map(prefix -> request.withPrefix(prefix).toString())
            .collect(Collectors.joining(" or "));
    int more = prefixes.size() - MOST_PREFIXES;
    return some + (more > 0 ? " or %d more".formatted(more) : "");
  }

  private static String unwrapped(String prefix) {
    return Arrays.stream(prefix.split("\\."))
        .filter(segment -> !WRAPPERS.contains(segment))
        .collect(Collectors.joining("."));
  }
}
