package io.github.stillgate.importers.torch;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds parametrizations by the names they leave in a state dict, in both spellings that PyTorch
 * has: {@code weight_g} of {@code torch.nn.utils} and {@code parametrizations.weight.original0} of
 * {@code torch.nn.utils.parametrize}.
 */
final class ParametrizedNames {
  /** A module's prefix, the parameter, and which of its tensors it is. */
  private static final Pattern OF_A_LIST =
      Pattern.compile("((?:.*\\.)?)parametrizations\\.([^.]+)\\.(.+)");

  private static final Pattern BEHIND_THE_NAME =
      Pattern.compile("((?:.*\\.)?(?:weight|bias)[^.]*?)_(g|v|u|orig|mask)");

  private static final String REMOVE =
      "call torch.nn.utils.parametrize.remove_parametrizations(module, \"%s\") before saving";

  private ParametrizedNames() {}

  /** What makes a parameter, by the name the parameter has without it. */
  static SortedMap<String, Parametrization> of(Set<String> names) {
    Map<String, Set<String>> lists = new TreeMap<>();
    Map<String, Set<String>> suffixes = new TreeMap<>();
    for (String name : names) {
      Matcher list = OF_A_LIST.matcher(name);
      Matcher suffix = BEHIND_THE_NAME.matcher(name);
      if (list.matches()) {
        lists
            .computeIfAbsent(list.group(1) + list.group(2), _ -> new TreeSet<>())
            .add(list.group(3));
      } else if (suffix.matches()) {
        suffixes.computeIfAbsent(suffix.group(1), _ -> new TreeSet<>()).add(suffix.group(2));
      }
    }
    SortedMap<String, Parametrization> found = new TreeMap<>();
    // Beside the parameter itself they are tensors like others.
    suffixes.keySet().removeAll(names);
    suffixes.forEach((name, parts) -> found.put(name, behindTheName(name, parts)));
    lists.forEach((name, parts) -> found.put(name, ofAList(name, parts, names.contains(name))));
    return found;
  }

  private static Parametrization behindTheName(String name, Set<String> parts) {
    List<String> all = parts.stream().map(part -> name + "_" + part).toList();
    if (parts.equals(Set.of("g", "v"))) {
      return new Parametrization.WeightNorm(name + "_g", name + "_v");
    }
    if (parts.equals(Set.of("orig", "u", "v"))) {
      return new Parametrization.SpectralNorm(name + "_orig", name + "_u", name + "_v");
    }
    if (parts.equals(Set.of("orig", "mask"))) {
      return new Parametrization.Pruned(name + "_orig", name + "_mask");
    }
    return new Parametrization.Unknown(
        all,
        "is made of %s; expected _g and _v (weight norm), _orig, _u and _v (spectral norm), or _orig"
                .formatted(all)
            + " and _mask (pruning), so save the whole state dict of one of these alone");
  }

  private static Parametrization ofAList(String name, Set<String> parts, boolean doubled) {
    int dot = name.lastIndexOf('.') + 1;
    String begin = "%sparametrizations.%s.".formatted(name.substring(0, dot), name.substring(dot));
    List<String> all = parts.stream().map(part -> begin + part).toList();
    String remove = REMOVE.formatted(name.substring(dot));
    if (doubled) {
      return new Parametrization.Unknown(
          all, "is in the file, and so is %s, which would make it; %s".formatted(all, remove));
    }
    if (parts.equals(Set.of("original0", "original1"))) {
      return new Parametrization.WeightNorm(begin + "original0", begin + "original1");
    }
    if (parts.equals(Set.of("original", "0._u", "0._v"))) {
      return new Parametrization.SpectralNorm(begin + "original", begin + "0._u", begin + "0._v");
    }
    return new Parametrization.Unknown(
        all,
        "is made of %s by a parametrization that is neither weight norm nor spectral norm alone; %s"
            .formatted(all, remove));
  }
}
