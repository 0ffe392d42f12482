using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Cowloop.Tests.Support;

/// <summary>Claims that follow from our declarations: size of a structure, offset and size of each of its fields, value of a constant.</summary>
internal static class StructClaims
{
    /// <summary>All claims of a structure.</summary>
    /// <param name="type">The structure.</param>
    /// <param name="cName">Its name in C, for instance <c>struct flock</c>.</param>
    /// <param name="cField">Gives the name of a field in C, for a field that is part of a nested structure or array there.</param>
    public static IEnumerable<AbiClaim> OfStruct(Type type, string cName, Func<string, string>? cField = null)
    {
        yield return new AbiClaim(type.Name, cName, $"sizeof({cName}) == {SizeOf(type)}");
        foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public))
        {
            string name = cField?.Invoke(field.Name) ?? field.Name;
            string member = $"(({cName} *)0)->{name}";
            // An element of a C array stands for several: only its start is compared.
            string size = name.EndsWith(']') ? "" : $" && sizeof({member}) == {SizeOf(field.FieldType)}";
            yield return new AbiClaim($"{type.Name}.{field.Name}", member, $"offsetof({cName}, {name}) == {OffsetOf(type, field)}{size}");
        }
    }

    /// <summary>All constants of a class.</summary>
    public static IEnumerable<AbiClaim> OfConstants(Type type) => type.GetFields(BindingFlags.Static | BindingFlags.Public)
        .Where(field => field.IsLiteral)
        .Select(field => OfValue(field.Name, Convert.ToInt64(field.GetRawConstantValue(), null)));

    /// <summary>A constant of a given value.</summary>
    public static AbiClaim OfValue(string name, long value) => new(name, name, $"(long long)({name}) == {value}LL");

    /// <summary>Size in memory, which is what the kernel gets; the marshaller's idea of it does not count.</summary>
    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    /// <summary>Offset in memory: the difference of two references.</summary>
    private static long OffsetOf(Type type, FieldInfo field)
    {
        var method = new DynamicMethod("Offset", typeof(long), null, typeof(StructClaims).Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        LocalBuilder instance = code.DeclareLocal(type);
        code.Emit(OpCodes.Ldloca, instance);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Ldloca, instance);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Conv_I8);
        code.Emit(OpCodes.Ret);
        return (long)method.Invoke(null, null)!;
    }
}
