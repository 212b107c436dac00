export const upperSnake = (name: string): string => name.replace(/([a-z])([A-Z0-9])/g, "$1_$2").toUpperCase();
