namespace Kuguru.Ike;

/// <summary>What becomes of a plan whose attempt has failed.</summary>
static class Attempts
{
    /// <summary>Starts over with a new IKE SA, as often as <c>keyingtries</c> allows; those who wait go on waiting.</summary>
    public static bool TryAgain(this Plan plan, SessionTurn t, Failure failure)
    {
        if (plan.AfterSilence is not { } next)
            return false;
        t.Note(Severity.Warning, Subject.Ike, $"{failure.Sentence}; trying again");
        t.Node.Undertake(t.Now, next, TimeSpan.Zero, t.Outbox);
        return true;
    }

    /// <summary>The attempt has failed, and why: who waits is told, and what nobody waits for is tried again in a while.</summary>
    public static void Fail(this Plan plan, SessionTurn t, Failure failure)
    {
        t.Fail(failure, plan.Tokens);
        if (failure.Code != FailureCode.Aborted && plan.AfterRefusal is { } next)
            t.Node.Undertake(t.Now, next, plan.Pause(t.Node.Dice.Fraction()), t.Outbox);
    }
}
