*** Comments ***
Smoke test of a firmware on the bench, for renode-test:
    renode-test nrf52840-bench.robot --variable ELF:/abs/firmware.elf --variable LINE:ready

*** Variables ***
${BENCH}    ${CURDIR}/nrf52840-bench.resc
${ELF}      ${CURDIR}/firmware.elf
${UART}     sysbus.uart0
${LINE}     blinky ready
${SECONDS}  10

*** Keywords ***
Bring Up The Bench
    # content= and command= keep Renode from reading "word=rest" as a named argument.
    Execute Command    command=$bin=@${ELF}
    Execute Command    command=include @${BENCH}
    Create Terminal Tester    ${UART}    timeout=${SECONDS}    defaultPauseEmulation=true
    Create Log Tester    0

*** Test Cases ***
Firmware Says That It Is Ready
    Bring Up The Bench
    Wait For Line On Uart    content=${LINE}
    Should Not Be In Log    CPU abort
