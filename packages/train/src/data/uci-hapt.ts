import { DataError, type RecordedSequence, type Recordings } from "./recordings.js";

/** Activities by class id; 0 is what the authors left unlabelled. */
const ACTIVITIES = [
  "unlabelled",
  "WALKING",
  "WALKING_UPSTAIRS",
  "WALKING_DOWNSTAIRS",
  "SITTING",
  "STANDING",
  "LAYING",
  "STAND_TO_SIT",
  "SIT_TO_STAND",
  "SIT_TO_LIE",
  "LIE_TO_SIT",
  "STAND_TO_LIE",
  "LIE_TO_STAND",
] as const;

/** Sensor steps that the text files hold: 1/720 g, and 17.5 millidegrees a second in radians. */
const ACC_STEP = 1 / 720;
const GYRO_STEP = (0.0175 * Math.PI) / 180;

/** Reads one file of the folder as text; rejects where there is none. */
export type ReadText = (name: string) => Promise<string>;

/**
 * Recordings from the `RawData` folder of the UCI data set "Smartphone-Based Recognition of Human Activities and Postural
 * Transitions" as it is downloaded: `acc_expXX_userYY.txt`, `gyro_expXX_userYY.txt`, `labels.txt`. The texts are turned
 * back into the sensor's counts. Everybody is a group of their own.
 * Throws {@link DataError} naming file and line.
 */
export async function uciHaptRecordings(names: readonly string[], read: ReadText): Promise<Recordings> {
  const labels = parseLabels(await read("labels.txt"));
  const sessions = names.flatMap((name) => {
    const match = /^acc_exp(\d+)_user(\d+)\.txt$/.exec(name);
    return match === null ? [] : [{ acc: name, experiment: Number(match[1]), user: Number(match[2]) }];
  });
  if (sessions.length === 0) throw new DataError("DATA_MISSING", "the folder holds no acc_expXX_userYY.txt");
  sessions.sort((a, b) => a.experiment - b.experiment);
  const sequences: RecordedSequence[] = [];
  for (const { acc, experiment, user } of sessions) {
    const gyro = acc.replace(/^acc/, "gyro");
    const force = parseAxes(await read(acc), acc, ACC_STEP);
    const turn = parseAxes(await read(gyro), gyro, GYRO_STEP);
    if (force.length !== turn.length) {
      const message = `${gyro} has ${turn.length / 3} samples, ${acc} ${force.length / 3}`;
      throw new DataError("DATA_SHAPE", message, { file: gyro });
    }
    const length = force.length / 3;
    const samples = new Int16Array(6 * length);
    for (let frame = 0; frame < length; frame++) {
      samples.set(force.subarray(3 * frame, 3 * frame + 3), 6 * frame);
      samples.set(turn.subarray(3 * frame, 3 * frame + 3), 6 * frame + 3);
    }
    const own = new Uint16Array(length);
    for (const { activity, first, last, line, user: labelled } of labels.filter(
      (label) => label.experiment === experiment,
    )) {
      if (labelled !== user) {
        const message = `labels.txt:${line}: user ${labelled} of experiment ${experiment}, whose file is ${acc}`;
        throw new DataError("DATA_RANGE", message, { file: "labels.txt", line });
      }
      if (last > length) {
        const message = `labels.txt:${line}: sample ${last} of experiment ${experiment}, which has ${length}`;
        throw new DataError("DATA_RANGE", message, { file: "labels.txt", line });
      }
      own.fill(activity, first - 1, last);
    }
    sequences.push({ name: `exp${experiment}`, length, samples, labels: own, group: `user ${user}` });
  }
  return {
    name: "hapt",
    channels: 6,
    rateHz: 50,
    featureNames: ["acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"],
    units: ["g", "g", "g", "rad/s", "rad/s", "rad/s"],
    rawScale: [ACC_STEP, ACC_STEP, ACC_STEP, GYRO_STEP, GYRO_STEP, GYRO_STEP],
    sequences,
    classes: ACTIVITIES,
    unlabelled: 0,
  };
}

function parseLabels(text: string) {
  return text.split(/\r?\n/).flatMap((row, index) => {
    if (row.trim() === "") return [];
    const [experiment, user, activity, first, last] = row.trim().split(/\s+/).map(Number);
    const place = { file: "labels.txt", line: index + 1 };
    if (!(activity >= 1 && activity < ACTIVITIES.length && first >= 1 && last >= first)) {
      throw new DataError(
        "DATA_RANGE",
        `labels.txt:${index + 1}: "${row.trim()}", expected experiment user activity first last`,
        place,
      );
    }
    return [{ experiment, user, activity, first, last, line: index + 1 }];
  });
}

function parseAxes(text: string, file: string, step: number): Int16Array {
  const rows = text.split(/\r?\n/).filter((row) => row.trim() !== "");
  const counts = new Int16Array(3 * rows.length);
  rows.forEach((row, index) => {
    const values = row.trim().split(/\s+/).map(Number);
    const place = { file, line: index + 1 };
    if (values.length !== 3 || !values.every(Number.isFinite)) {
      throw new DataError(
        "DATA_NOT_A_NUMBER",
        `${file}:${index + 1}: "${row.trim().slice(0, 40)}", expected three numbers`,
        place,
      );
    }
    values.forEach((value, axis) => {
      counts[3 * index + axis] = Math.max(-32768, Math.min(32767, Math.round(value / step)));
    });
  });
  return counts;
}
