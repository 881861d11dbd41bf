/**
 * PyTorch state dicts in safetensors files: {@link io.github.stillgate.importers.torch.StateDict}
 * finds the layers by their tensors' names.
 */
@NullMarked
package io.github.stillgate.importers.torch;

import org.jspecify.annotations.NullMarked;
