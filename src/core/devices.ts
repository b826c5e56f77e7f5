/** What a device needs, besides the files that every installation has. */
interface DeviceFacts {
  readonly needs: string
  /** Whether `auto` tries it; in the order of the table. */
  readonly isAuto: boolean
}

/** The devices that can compute saliency maps, by the name of their onnxruntime provider. */
export const devices = {
  cuda: {
    needs: "onnxruntime's CUDA provider and an NVIDIA GPU with its driver, CUDA and cuDNN 9",
    isAuto: true,
  },
  webgpu: {
    needs: 'a GPU with a Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS) driver',
    isAuto: false,
  },
  cpu: { needs: 'all files of the package: npm ci or npm install puts them back', isAuto: true },
} as const satisfies Record<string, DeviceFacts>

export type Device = keyof typeof devices

export const DEVICES = Object.keys(devices) as Device[]

/** What `auto` tries, in this order. */
export const AUTO_DEVICES = DEVICES.filter((name) => devices[name].isAuto)
