using Cowloop.Simulation.Scheduling;

namespace Cowloop.Simulation.Tests.Scheduling;

public class SchedulerTests
{
    [Fact]
    public void Nobody_is_interrupted_unless_the_schedule_says_so() => Assert.Equal("aaabbb", Run(Schedule.Fixed([])));

    [Fact]
    public void The_schedule_interrupts() => Assert.Equal("abbbaa", Run(Schedule.Fixed([0, 1])));

    [Fact]
    public void The_same_schedule_gives_the_same_run()
    {
        string[] runs = [.. Enumerable.Range(1, 20).Select(seed => Run(Schedule.Random(seed)))];

        Assert.Equal(runs, Enumerable.Range(1, 20).Select(seed => Run(Schedule.Random(seed))));
        Assert.InRange(runs.Distinct().Count(), 5, 20);
    }

    [Fact]
    public void What_a_random_schedule_did_can_be_done_again()
    {
        var schedule = Schedule.Random(7);
        string run = Run(schedule);

        Assert.Contains(schedule.Taken, decision => decision > 0);
        Assert.Equal(run, Run(Schedule.Fixed(schedule.Taken)));
    }

    [Fact]
    public void A_thread_that_waits_for_a_lock_lets_the_others_go_on()
    {
        for (int round = 0; round < 50; round++)
        {
            var scheduler = new Scheduler();
            var gate = new Lock();
            string trace = "";
            scheduler.Run(
                [
                    () =>
                    {
                        lock (gate)
                        {
                            trace += "a";
                            // The other one is let go on here, and can't.
                            scheduler.SwitchPoint();
                            trace += "A";
                        }
                    },
                    () =>
                    {
                        lock (gate)
                        {
                            trace += "b";
                        }
                    },
                ],
                Schedule.Fixed([0, 1]));

            Assert.Equal("aAb", trace);
        }
    }

    [Fact]
    public void A_failure_is_thrown_when_all_have_ended()
    {
        bool hasEnded = false;

        Assert.Throws<FormatException>(() => new Scheduler().Run([() => throw new FormatException(), () => hasEnded = true], Schedule.Fixed([])));

        Assert.True(hasEnded);
    }

    [Fact]
    public void Threads_that_are_not_scheduled_pass() => new Scheduler().SwitchPoint();

    private static string Run(Schedule schedule)
    {
        var scheduler = new Scheduler();
        string trace = "";
        scheduler.Run([() => Say('a'), () => Say('b')], schedule);
        return trace;

        void Say(char name)
        {
            for (int step = 0; step < 3; step++)
            {
                trace += name;
                scheduler.SwitchPoint();
            }
        }
    }
}
