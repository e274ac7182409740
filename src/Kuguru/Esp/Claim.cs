namespace Kuguru.Esp;

/// <summary>
/// Who may use an SA's cipher, replay window and counters: one thread at a time, and nobody any more once the SA is retired. A worker
/// claims an SA for one call (a super-packet, a burst), holds one claim at a time, and so never waits for long: with one worker a
/// direction it never waits at all. Of the retirer and the last user exactly one is told to dispose of the SA.
/// </summary>
struct Claim
{
    const int Free = 0, Held = 1, Retired = 2;

    int _state;

    /// <summary>False when the SA is retired; else <see cref="Leave"/> must follow.</summary>
    public bool TryEnter()
    {
        var spin = new SpinWait();
        while (true)
        {
            var seen = Interlocked.CompareExchange(ref _state, Held, Free);
            if (seen == Free)
                return true;
            if ((seen & Retired) != 0)
                return false;
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>True when the SA was retired meanwhile: the caller disposes of it.</summary>
    public bool Leave() => Interlocked.CompareExchange(ref _state, Free, Held) != Held;

    /// <summary>True when nobody is inside: the caller disposes of it. Once only.</summary>
    public bool Retire() => Interlocked.Or(ref _state, Retired) == Free;
}
