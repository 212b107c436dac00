/** The HDF5 reader, in a file of its own: the build replaces its output by the reader itself (bundle-jsfive.mjs). */
export { Dataset, File, Group } from "jsfive";
